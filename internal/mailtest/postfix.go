package mailtest

import (
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Where Debian's package puts Postfix' daemons.
const postfixDaemons = "/usr/lib/postfix/sbin"

// mailboxOwner is whom the mailbox belongs to; nobody else needs it.
const mailboxOwner = 65534

// Postfix starts a Postfix with Debian's programs: CHUNKING, PIPELINING,
// SMTPUTF8, TLS, and logins by PLAIN, LOGIN, CRAM-MD5, SCRAM-SHA-1 and
// SCRAM-SHA-256. It ends with the test.
func Postfix(t *testing.T, o Options) *Server {
	t.Helper()
	master := filepath.Join(postfixDaemons, "master")
	_, err := os.Stat(master)
	need(t, err == nil, "postfix is not installed")
	_, err = exec.LookPath("db5.3_load")
	need(t, err == nil, "db5.3-util is not installed")
	need(t, os.Getuid() == 0, "only root can start a mail server")

	s := &Server{t: t, dir: folder(t, "postfix")}
	s.box, s.logs = filepath.Join(s.dir, "box"), filepath.Join(s.dir, "log")
	free := ports(t, 7)
	s.Port, s.Submission, s.Implicit, s.Bare = free[0], free[1], free[2], free[3]
	s.Old, s.Obsolete, s.Certified = free[4], free[5], free[6]
	ca, server, client := Authority(t)
	s.CA = s.write("ca.pem", string(ca), 0o644)
	s.Client = s.write("client.pem", string(client), 0o600)
	s.write("server.pem", string(server), 0o600)

	s.postfixFolders()
	s.postfixPasswords()
	s.write("main.cf", postfixMain(s.dir, servePolicy(t, o.Recipient)), 0o644)
	s.write("master.cf", s.postfixMaster(), 0o644)
	s.command = func() *exec.Cmd { return exec.Command(master, "-d", "-c", s.dir) }
	t.Cleanup(s.Stop)
	s.start()
	return s
}

// postfixFolders makes the folders that `postfix check` would make.
func (s *Server) postfixFolders() {
	s.t.Helper()
	owner, err := user.Lookup("postfix")
	must(s.t, err)
	drop, err := user.LookupGroup("postdrop")
	must(s.t, err)
	uid, _ := strconv.Atoi(owner.Uid)
	gid, _ := strconv.Atoi(drop.Gid)
	for name, mode := range map[string]os.FileMode{
		"queue": 0o755, "queue/pid": 0o755, "data": 0o700,
		"queue/active": 0o700, "queue/bounce": 0o700, "queue/corrupt": 0o700, "queue/defer": 0o700,
		"queue/deferred": 0o700, "queue/flush": 0o700, "queue/hold": 0o700, "queue/incoming": 0o700,
		"queue/private": 0o700, "queue/saved": 0o700, "queue/trace": 0o700,
		"queue/maildrop": 0o730, "queue/public": 0o710, "box": 0o700,
	} {
		dir := filepath.Join(s.dir, name)
		must(s.t, os.MkdirAll(dir, 0o755))
		switch name {
		case "queue", "queue/pid": // root's
		case "box":
			must(s.t, os.Chown(dir, mailboxOwner, mailboxOwner))
		case "queue/maildrop", "queue/public":
			must(s.t, os.Chown(dir, uid, gid))
		default:
			must(s.t, os.Chown(dir, uid, 0))
		}
		must(s.t, os.Chmod(dir, mode))
	}
	s.whole = 0o100
	for _, name := range []string{"incoming", "active", "deferred", "maildrop", "hold", "corrupt"} {
		s.queue = append(s.queue, filepath.Join(s.dir, "queue", name))
	}
}

// postfixPasswords makes what Cyrus SASL reads: a database of passwords and
// which mechanisms there are.
func (s *Server) postfixPasswords() {
	s.t.Helper()
	owner, err := user.Lookup("postfix")
	must(s.t, err)
	uid, _ := strconv.Atoi(owner.Uid)
	key := strings.Join([]string{User, host, "userPassword"}, "\x00")
	file := filepath.Join(s.dir, "sasldb2")
	load := exec.Command("db5.3_load", "-t", "hash", file)
	load.Stdin = strings.NewReader(fmt.Sprintf("VERSION=3\nformat=bytevalue\ntype=hash\nHEADER=END\n %s\n %s\nDATA=END\n",
		hex.EncodeToString([]byte(key)), hex.EncodeToString([]byte(Password))))
	if out, err := load.CombinedOutput(); err != nil {
		s.t.Fatalf("%s: %v\n%s", load, err, out)
	}
	must(s.t, os.Chown(file, uid, 0))
	must(s.t, os.Chmod(file, 0o600))
	s.write("sasl/smtpd.conf", fmt.Sprintf(`pwcheck_method: auxprop
auxprop_plugin: sasldb
sasldb_path: %s
mech_list: PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256
`, file), 0o644)
}

// postfixMain is main.cf: Postfix as it comes, but for where things are, who
// gets mail, and that none goes out.
func postfixMain(dir string, policy int) string {
	return fmt.Sprintf(`compatibility_level = 3.6
queue_directory = %[1]s/queue
data_directory = %[1]s/data
daemon_directory = %[2]s
maillog_file = %[1]s/log
maillog_file_prefixes = %[1]s
myhostname = %[3]s
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8

# Everybody's mail goes into one mailbox, and none out.
mydestination =
alias_maps =
alias_database =
virtual_mailbox_domains = static:all
virtual_mailbox_base = %[1]s
virtual_mailbox_maps = static:box/
virtual_uid_maps = static:%[4]d
virtual_gid_maps = static:%[4]d
default_transport = error:5.7.1 no mail leaves this server
relay_transport = error:5.7.1 no mail leaves this server

smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_recipient_restrictions = check_policy_service inet:127.0.0.1:%[5]d, permit_mynetworks, reject
# Who takes mail faster than it is delivered would be slowed down.
in_flow_delay = 0s

smtpd_tls_chain_files = %[1]s/server.pem
smtpd_tls_security_level = may
smtpd_tls_received_header = yes
smtpd_tls_loglevel = 1

cyrus_sasl_config_path = %[1]s/sasl
smtpd_sasl_local_domain = %[3]s
smtpd_sasl_authenticated_header = yes
smtpd_sasl_security_options = noanonymous
`, dir, postfixDaemons, host, mailboxOwner, policy)
}

// postfixMaster is master.cf: the ports, and of the services those that mail
// into a mailbox needs.
func (s *Server) postfixMaster() string {
	const login = " -o smtpd_sasl_auth_enable=yes -o smtpd_client_restrictions=permit_sasl_authenticated,reject"
	var b strings.Builder
	for _, port := range []struct {
		port     int
		settings string
	}{
		{s.Port, ""},
		{s.Submission, " -o smtpd_tls_security_level=encrypt" + login},
		{s.Implicit, " -o smtpd_tls_wrappermode=yes" + login},
		{s.Bare, " -o smtpd_discard_ehlo_keywords=pipelining,chunking,smtputf8"},
		{s.Old, " -o smtpd_tls_protocols=TLSv1.2"},
		{s.Obsolete, " -o smtpd_tls_protocols=TLSv1.1 -o tls_medium_cipherlist=ALL@SECLEVEL=0"},
		{s.Certified, " -o smtpd_tls_security_level=encrypt -o smtpd_tls_req_ccert=yes -o smtpd_tls_CAfile=" + s.CA},
	} {
		fmt.Fprintf(&b, "%s inet n - n - - smtpd%s\n", Address(port.port), port.settings)
	}
	b.WriteString(`cleanup    unix       n  -  n  -   0  cleanup
qmgr       unix       n  -  n  300 1  qmgr
tlsmgr     unix       -  -  n  -   1  tlsmgr
rewrite    unix       -  -  n  -   -  trivial-rewrite
bounce     unix       -  -  n  -   0  bounce
defer      unix       -  -  n  -   0  bounce
trace      unix       -  -  n  -   0  bounce
proxymap   unix       -  -  n  -   -  proxymap
anvil      unix       -  -  n  -   1  anvil
error      unix       -  -  n  -   -  error
retry      unix       -  -  n  -   -  error
virtual    unix       -  n  n  -   -  virtual
postlog    unix-dgram n  -  n  -   1  postlogd
`)
	return b.String()
}
