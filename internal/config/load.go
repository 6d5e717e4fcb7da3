package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"github.com/go-viper/mapstructure/v2"
	"github.com/spf13/viper"
	"go.yaml.in/yaml/v3"
)

const maxFile = 1 << 20 // bytes

// Load reads and checks the configuration at path with the given environment
// ("NAME=value"). An error of type Problems lists all that is wrong with the
// file; any other says why it could not be read.
func Load(path string, environ []string) (*Config, error) {
	text, mode, err := read(path)
	if err != nil {
		return nil, err
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	root, problem := parse(path, text)
	if problem != nil {
		return nil, Problems{*problem}
	}

	t := newTree(path, newEnvironment(environ))
	values, ok := t.mapping("", "LEDE", root, reflect.TypeFor[Config](), 0)
	if t.endless {
		return nil, Problems{{File: path, Line: 1, What: "too many settings: aliases (*name) multiply here"}}
	}
	if !ok {
		return nil, t.problems
	}
	cfg, err := decode(values.(map[string]any))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	cfg.Path = absolute
	check(t, cfg)
	if len(t.problems) > 0 {
		t.problems.sort()
		return nil, t.problems
	}
	if secret := t.literalSecret(cfg); secret != "" && readableByAll(mode) {
		cfg.warn("%s holds a password (%s) and everybody on this machine can read it: chmod 600 %s", path, secret, path)
	}
	return cfg, nil
}

func (c *Config) warn(format string, args ...any) {
	c.Warnings = append(c.Warnings, fmt.Sprintf(format, args...))
}

// readableByAll says whether everybody on the machine can read a file. Windows
// keeps that elsewhere.
func readableByAll(mode fs.FileMode) bool { return runtime.GOOS != "windows" && mode.Perm()&0o004 != 0 }

// literalSecret returns the path of a password that stands in the file.
func (t *tree) literalSecret(cfg *Config) string {
	if u, err := url.Parse(cfg.Data); t.literal["data"] && err == nil {
		if _, set := u.User.Password(); set || u.Query().Has("password") {
			return "data"
		}
	}
	for i := range cfg.Relays {
		if path := fmt.Sprintf("relays[%d].password", i); t.literal[path] {
			return path
		}
	}
	return ""
}

// read returns the file's text and who may read it.
func read(path string) ([]byte, fs.FileMode, error) {
	// Without blocking, a pipe that nobody writes to is empty and holds nobody up.
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, exists(path)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("reading the configuration: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, 0, fmt.Errorf("reading the configuration: %w", err)
	}
	if info.IsDir() {
		return nil, 0, fmt.Errorf("%s: this is a folder, not a file\nhint: --config %s", path, filepath.Join(path, "lede.yaml"))
	}
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, 0, fmt.Errorf("reading the configuration: %w", err)
	}
	if len(text) > maxFile {
		return nil, 0, fmt.Errorf("%s: more than 1 MB: this is no configuration", path)
	}
	return text, info.Mode(), nil
}

// parse returns the one mapping that the file is.
func parse(file string, text []byte) (*yaml.Node, *Problem) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var document, second yaml.Node
	switch err := decoder.Decode(&document); {
	case errors.Is(err, io.EOF):
		return nil, &Problem{File: file, Line: 1, What: "empty", Hint: hintInit}
	case err != nil:
		return nil, broken(file, text, err)
	}
	switch err := decoder.Decode(&second); {
	case err == nil:
		return nil, &Problem{File: file, Line: second.Line, What: "a second document (---): the configuration is one"}
	case !errors.Is(err, io.EOF):
		return nil, broken(file, text, err)
	}
	root := document.Content[0]
	if root.Kind != yaml.MappingNode {
		return nil, &Problem{File: file, Line: root.Line, What: "expected settings (key: value), found " + kindOf(root), Hint: hintInit}
	}
	return root, nil
}

var (
	yamlLine  = regexp.MustCompile(`line (\d+): `)
	yamlName  = regexp.MustCompile(`(anchor|tag) '([^']*)'`)
	yamlQuote = regexp.MustCompile("`[^`]*`")
)

// broken is what the YAML parser says of a file that it cannot read. Names are
// taken out: a password that starts with * reads as one.
func broken(file string, text []byte, err error) *Problem {
	what := strings.TrimPrefix(err.Error(), "yaml: ")
	p := &Problem{File: file, Line: 1}
	if m := yamlLine.FindStringSubmatch(what); m != nil {
		p.Line, _ = strconv.Atoi(m[1])
		what = strings.Replace(what, m[0], "", 1)
	} else if m := yamlName.FindStringSubmatch(what); m != nil {
		before, _, _ := bytes.Cut(text, []byte("*"+m[2])) // the parser does not say where it was
		p.Line = bytes.Count(before, []byte("\n")) + 1
	}
	p.Line = min(p.Line, bytes.Count(bytes.TrimRight(text, "\n"), []byte("\n"))+1)
	what = yamlName.ReplaceAllString(what, "$1")
	p.What = "broken YAML: " + yamlQuote.ReplaceAllString(what, "text")
	for _, known := range [][2]string{
		{"tab character", "indent with spaces, not tabs"},
		{"cannot start any token", "indent with spaces, not tabs; text that starts with @, % or ` needs quotation marks"},
		{"mapping values are not allowed", "text that holds a colon and a space needs quotation marks; or the line above is wrongly indented"},
		{"unknown anchor", "text that starts with * or & needs quotation marks"},
		{"unexpected end of stream", "a quotation mark further up is not closed"},
		{"':'", "look at the line above too: a colon without its space, or a wrong indentation"},
		{"did not find expected", "look at the line above too: a wrong indentation, a quotation mark or bracket that is not closed"},
	} {
		if strings.Contains(what, known[0]) {
			p.Hint = known[1]
			break
		}
	}
	return p
}

// decode lets viper read the checked values over the defaults. Members of lists
// have theirs too, so the lists are made as long as they will be.
func decode(values map[string]any) (*Config, error) {
	v := viper.NewWithOptions(viper.KeyDelimiter("\x00")) // no key of ours is split
	if err := v.MergeConfigMap(values); err != nil {
		return nil, err
	}
	cfg := defaults()
	cfg.Relays = filled(values["relays"], func(map[string]any) Relay { return defaultRelay() })
	if values["lists"] != nil {
		cfg.Lists = filled(values["lists"], func(map[string]any) List { return defaultList() })
	}
	cfg.Newsletters = filled(values["newsletters"], func(n map[string]any) Newsletter {
		newsletter := defaultNewsletter()
		newsletter.Sources = filled(n["sources"], func(map[string]any) Source { return defaultSource() })
		newsletter.Sections = filled(n["sections"], func(map[string]any) Section { return defaultSection() })
		if _, given := n["sections"]; !given {
			newsletter.Sections = []Section{defaultSection()}
		}
		return newsletter
	})
	err := v.UnmarshalExact(&cfg, func(d *mapstructure.DecoderConfig) {
		d.DecodeHook = mapstructure.TextUnmarshallerHookFunc()
		d.WeaklyTypedInput = false
	})
	return &cfg, err
}

// filled returns one default for each member of a list.
func filled[T any](list any, member func(map[string]any) T) []T {
	members, _ := list.([]any)
	out := make([]T, 0, len(members))
	for _, m := range members {
		values, _ := m.(map[string]any)
		out = append(out, member(values))
	}
	return out
}
