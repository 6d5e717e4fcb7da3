#!/usr/bin/env bash
# Installs what the tests need beside Go: a browser for the looks of letters and
# pages, a C compiler for the race detector, a DKIM verifier that is not ours.
# On Debian as root by apt-get; elsewhere it says what is missing. With CI=true
# a thing that is missing is a failure.
set -euo pipefail

# Debian's package, and how to tell that it is there.
needed=(
	'chromium     command -v chromium'
	'gcc          command -v gcc'
	'libc6-dev    test -e /usr/include/stdlib.h'
	'python3-dkim command -v dkimverify'
)

missing() {
	local package there
	for line in "${needed[@]}"; do
		read -r package there <<<"$line"
		$there >/dev/null 2>&1 || echo "$package"
	done
}

mapfile -t packages < <(missing)
if ((${#packages[@]} == 0)); then
	exit 0
fi
if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
	echo "setup: installing ${packages[*]}"
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -q && apt-get install -q -y --no-install-recommends "${packages[@]}" ||
		echo "setup: apt-get failed" >&2
	mapfile -t packages < <(missing)
fi
if ((${#packages[@]} > 0)); then
	echo "setup: missing: ${packages[*]} (Debian's names); tests that need them are skipped" >&2
	[[ ${CI:-} != true ]]
fi
