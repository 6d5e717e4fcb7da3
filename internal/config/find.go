package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Find returns the path of the configuration: the flag's if there is one, else
// LEDE_CONFIG's, else the first that exists of ./lede.yaml, lede/lede.yaml in
// the user's configuration folder (XDG_CONFIG_HOME, or ~/.config) and
// /etc/lede/lede.yaml. The error says where it looked and what to do.
func Find(flag string, environ []string) (string, error) {
	env := newEnvironment(environ)
	if flag != "" {
		return flag, exists(flag)
	}
	if path := env["LEDE_CONFIG"]; path != "" {
		if err := exists(path); err != nil {
			return "", fmt.Errorf("LEDE_CONFIG: %w", err)
		}
		return path, nil
	}
	places := []string{"lede.yaml"}
	// The specification of XDG has relative paths passed over.
	if dir := env["XDG_CONFIG_HOME"]; filepath.IsAbs(dir) {
		places = append(places, filepath.Join(dir, "lede", "lede.yaml"))
	} else if home := env["HOME"]; home != "" {
		places = append(places, filepath.Join(home, ".config", "lede", "lede.yaml"))
	}
	places = append(places, filepath.Join("/etc", "lede", "lede.yaml"))
	for _, path := range places {
		// One that is there and cannot be read is named, not passed over.
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			return path, nil
		}
	}
	return "", fmt.Errorf("no configuration: there is no %s\nhint: %s", strings.Join(places, ", no "), hintInit)
}

const hintInit = "`lede init DIR` makes a newsroom folder to start from; --config FILE names another file"

func exists(path string) error {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: there is no such file\nhint: %s", path, hintInit)
	}
	return nil
}
