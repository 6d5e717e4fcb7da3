#!/usr/bin/env bash
# Installs what the tests need beside Go: a browser for the looks of letters and
# pages, a C compiler for the race detector, a DKIM verifier that is not ours
# (nacl is what it checks Ed25519 with), PostgreSQL and MariaDB's
# programs alone (tests start servers of their own), strace to record what is written before a power cut,
# Postfix (never started from here) with its load generator and its sink, what it
# checks passwords with, SpamAssassin with its daemon (which judges our letters by
# its local rules), and Exim's program, unpacked into the user's cache. There
# too go the judges of the letters' HTML (tools/checkers: the Nu checker, which
# needs Java, html-validate and axe).
# On Debian as root by apt-get; elsewhere it says what is missing. With CI=true
# a thing that is missing is a failure.
set -euo pipefail

# Debian's package, and how to tell that it is there.
needed=(
	'chromium     command -v chromium'
	'gcc          command -v gcc'
	'libc6-dev    test -e /usr/include/stdlib.h'
	'npm          command -v npm'
	'default-jre-headless command -v java'
	'python3-dkim command -v dkimverify'
	'python3-nacl test -e /usr/lib/python3/dist-packages/nacl'
	'postgresql   compgen -G /usr/lib/postgresql/*/bin/postgres'
	'mariadb-server-core test -x /usr/sbin/mariadbd'
	'mariadb-client-core test -x /usr/bin/my_print_defaults'
	'postfix      test -x /usr/sbin/smtp-sink'
	'strace       command -v strace'
	'spamassassin test -e /usr/share/spamassassin/10_default_prefs.cf'
	'spamd        test -x /usr/sbin/spamd'
	'db5.3-util   command -v db5.3_load'
	'libnss-wrapper libraries libnss_wrapper.so'
	'libsasl2-modules    libraries sasl2/libscram.so sasl2/libcrammd5.so'
	'libsasl2-modules-db libraries sasl2/libsasldb.so'
)

# libraries says that each of these is where Debian keeps libraries.
libraries() {
	local name
	for name in "$@"; do
		compgen -G "/usr/lib/*/$name" || return
	done
}

missing() {
	local package there
	for line in "${needed[@]}"; do
		read -r package there <<<"$line"
		$there >/dev/null 2>&1 || echo "$package"
	done
}

# Debian's mail servers exclude one another: of Exim, internal/mailtest takes the
# program alone, from here, and needs the libraries that go with it.
exim=${XDG_CACHE_HOME:-$HOME/.cache}/lede/exim/usr/sbin/exim4

unpack_exim() (
	folder=$(mktemp -d)
	trap 'rm -rf "$folder"' EXIT
	cd "$folder"
	apt-get download -q exim4-daemon-light
	dpkg-deb -x exim4-daemon-light_*.deb root
	mapfile -t needs < <(dpkg-deb -f exim4-daemon-light_*.deb Depends | tr ',' '\n' | sed -n 's/^ *\(lib[^ (|]*\).*/\1/p')
	apt-get install -q -y --no-install-recommends --no-remove --no-upgrade "${needs[@]}"
	chmod u-s root/usr/sbin/exim4
	mkdir -p "$(dirname "$exim")"
	mv root/usr/sbin/exim4 "$exim"
)

# As the lock file names them, with its hashes; none of their scripts is run.
checkers=${XDG_CACHE_HOME:-$HOME/.cache}/lede/checkers

judges() { cmp -s tools/checkers/package-lock.json "$checkers/node_modules/.from"; }

install_judges() {
	mkdir -p "$checkers"
	cp tools/checkers/package.json tools/checkers/package-lock.json "$checkers/"
	npm ci --prefix "$checkers" --ignore-scripts --no-audit --no-fund --silent
	cp tools/checkers/package-lock.json "$checkers/node_modules/.from"
}

cd "$(dirname "$0")/.."
mapfile -t packages < <(missing)
if ((${#packages[@]} == 0)) && [[ -x $exim ]] && judges; then
	exit 0
fi
if { ((${#packages[@]} > 0)) || [[ ! -x $exim ]]; } && [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
	echo "setup: installing ${packages[*]:-exim, unpacked}"
	export DEBIAN_FRONTEND=noninteractive
	# Without a configuration of its own Postfix does not start, and takes no mail.
	echo 'postfix postfix/main_mailer_type select No configuration' | debconf-set-selections
	# --no-remove: a mail server that the machine has stays.
	apt-get update -q && apt-get install -q -y --no-install-recommends --no-remove "${packages[@]}" ||
		echo "setup: apt-get failed" >&2
	[[ -x $exim ]] || unpack_exim || echo "setup: unpacking exim failed" >&2
	mapfile -t packages < <(missing)
fi
if ! judges && command -v npm >/dev/null; then
	install_judges || echo "setup: npm failed" >&2
fi
judges || packages+=("the judges of tools/checkers, by npm")
[[ -x $exim ]] || packages+=("exim4-daemon-light, unpacked")
if ((${#packages[@]} > 0)); then
	echo "setup: missing: ${packages[*]} (Debian's names); tests that need them are skipped" >&2
	[[ ${CI:-} != true ]]
fi
