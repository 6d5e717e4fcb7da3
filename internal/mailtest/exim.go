package mailtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// eximOwner is the user that Exim runs as. Debian's Exim wants a user
// Debian-exim, which libnss-wrapper feigns: none need be there.
const eximOwner = 20099

// eximProgram is where tools/setup.sh unpacks Debian's Exim: it can't be
// installed beside Postfix.
func eximProgram() string {
	cache, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(cache, "lede", "exim", "usr", "sbin", "exim4")
}

// Exim starts an Exim, which speaks TLS by GnuTLS, with CHUNKING, PIPELINING,
// logins by PLAIN, LOGIN and CRAM-MD5, and no SMTPUTF8. It ends with the test.
func Exim(t *testing.T, o Options) *Server {
	t.Helper()
	_, err := os.Stat(eximProgram())
	need(t, err == nil, "exim is not unpacked in the user's cache: make setup")
	need(t, os.Getuid() == 0, "only root can start a mail server")

	s := &Server{t: t, dir: folder(t, "exim")}
	s.box, s.logs = filepath.Join(s.dir, "box"), filepath.Join(s.dir, "mainlog")
	s.queue = []string{filepath.Join(s.dir, "spool", "input")}
	free := ports(t, 5)
	s.Port, s.Submission, s.Implicit, s.Bare, s.Old = free[0], free[1], free[2], free[3], free[4]
	ca, server, client := Authority(t)
	s.CA, s.Client = s.write("ca.pem", string(ca), 0o644), s.write("client.pem", string(client), 0o600)

	passwd := s.write("passwd", fmt.Sprintf("root:x:0:0::/:/bin/sh\nDebian-exim:x:%d:%[1]d::/:/bin/false\n", eximOwner), 0o644)
	group := s.write("group", fmt.Sprintf("root:x:0:\nDebian-exim:x:%d:\n", eximOwner), 0o644)
	config := s.write("exim.conf", eximConfig(s, servePolicy(t, o.Recipient)), 0o644)
	// A copy, as the user's cache may be closed to others. cp makes it: a program
	// that we had open for writing ourselves might be busy for a child meanwhile.
	binary := filepath.Join(s.dir, "exim4")
	if out, err := exec.Command("cp", eximProgram(), binary).CombinedOutput(); err != nil {
		t.Fatalf("copying exim: %v\n%s", err, out)
	}
	for _, file := range []string{s.dir, s.write("server.pem", string(server), 0o600)} {
		must(t, os.Chown(file, eximOwner, eximOwner))
	}
	s.command = func() *exec.Cmd {
		cmd := exec.Command(binary, "-C", config, "-bdf")
		cmd.Env = []string{"LD_PRELOAD=libnss_wrapper.so", "NSS_WRAPPER_PASSWD=" + passwd, "NSS_WRAPPER_GROUP=" + group}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: eximOwner, Gid: eximOwner}}
		return cmd
	}
	t.Cleanup(s.Stop)
	s.start()
	return s
}

// eximConfig is Exim as it comes, but for where things are, who gets mail, and
// that none goes out.
func eximConfig(s *Server, policy int) string {
	return strings.NewReplacer(
		"DIR", s.dir, "HOST", host, "USER", User, "PASSWORD", Password,
		"PORT", fmt.Sprint(s.Port), "SUBMISSION", fmt.Sprint(s.Submission), "IMPLICIT", fmt.Sprint(s.Implicit),
		"BARE", fmt.Sprint(s.Bare), "OLD", fmt.Sprint(s.Old), "POLICY", fmt.Sprint(policy),
	).Replace(`exim_path = DIR/exim4
spool_directory = DIR/spool
log_file_path = DIR/%slog
pid_file_path = DIR/pid
primary_hostname = HOST
keep_environment = LD_PRELOAD : NSS_WRAPPER_PASSWD : NSS_WRAPPER_GROUP
deliver_drop_privilege
never_users =
disable_ipv6
host_lookup =
local_interfaces = 127.0.0.1
daemon_smtp_ports = PORT : SUBMISSION : IMPLICIT : BARE : OLD
tls_on_connect_ports = IMPLICIT
tls_advertise_hosts = *
tls_certificate = DIR/server.pem
tls_require_ciphers = ${if eq{$received_port}{OLD}{NORMAL:-VERS-TLS1.3}{NORMAL}}
pipelining_advertise_hosts = ${if eq{$received_port}{BARE}{}{*}}
chunking_advertise_hosts = ${if eq{$received_port}{BARE}{}{*}}
smtputf8_advertise_hosts =
log_selector = +pipelining +smtp_connection +tls_cipher
# The eleventh mail of a connection would wait for a queue run.
smtp_accept_queue_per_connection = 0
acl_smtp_rcpt = recipient
acl_smtp_data = accept
begin acl
recipient:
  # It would ask the DNS.
  warn    control = dkim_disable_verify
  deny    condition = ${if inlist{$received_port}{SUBMISSION : IMPLICIT}}
          !authenticated = *
          message = 530 5.7.0 authentication required
  warn    set acl_m_answer = ${sg{${readsocket{inet:127.0.0.1:POLICY}{recipient=$local_part@$domain\n\n}}}{\N^action=|\s+$\N}{}}
  deny    condition = ${if match{$acl_m_answer}{\N^5\N}}
          message = $acl_m_answer
  defer   condition = ${if match{$acl_m_answer}{\N^4\N}}
          message = $acl_m_answer
  accept
begin routers
everybody:
  driver = accept
  transport = box
begin transports
box:
  driver = appendfile
  maildir_format
  directory = DIR/box
  return_path_add
  envelope_to_add
  delivery_date_add
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_advertise_condition = ${if inlist{$received_port}{SUBMISSION : IMPLICIT}}
  server_prompts = :
  server_condition = ${if and{{eq{$auth2}{USER}}{eq{$auth3}{PASSWORD}}}}
  server_set_id = $auth2
login:
  driver = plaintext
  public_name = LOGIN
  server_advertise_condition = ${if inlist{$received_port}{SUBMISSION : IMPLICIT}}
  server_prompts = Username:: : Password::
  server_condition = ${if and{{eq{$auth1}{USER}}{eq{$auth2}{PASSWORD}}}}
  server_set_id = $auth1
cram:
  driver = cram_md5
  public_name = CRAM-MD5
  server_advertise_condition = ${if inlist{$received_port}{SUBMISSION : IMPLICIT}}
  server_secret = ${if eq{$auth1}{USER}{PASSWORD}fail}
  server_set_id = $auth1
`)
}
