#!/bin/sh
# Installs atg from the unpacked archive that this script is in. Nothing is fetched.
#
#   ./install.sh [--prefix DIR] [--uninstall]
#
# The programs go to DIR/lib/atg and links to them to DIR/bin, completions and manual pages to DIR/share. DIR is /usr/local for root, else ~/.local.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
prefix=
uninstall=
while [ $# -gt 0 ]; do
	case $1 in
	--prefix) prefix=${2:?--prefix wants a folder}; shift ;;
	--prefix=*) prefix=${1#*=} ;;
	--uninstall) uninstall=yes ;;
	*) sed -n 's/^#   //p' "$0" >&2; exit 2 ;;
	esac
	shift
done
if [ -z "$prefix" ]; then
	if [ "$(id -u)" = 0 ]; then prefix=/usr/local; else prefix=$HOME/.local; fi
fi

man=$prefix/share/man
bash=$prefix/share/bash-completion/completions/atg
zsh=$prefix/share/zsh/site-functions/_atg
fish=$prefix/share/fish/vendor_completions.d/atg.fish

if [ -n "$uninstall" ]; then
	for page in "$here"/man/man*/*; do rm -f "$man/${page#"$here"/man/}"; done
	rm -rf "$prefix/lib/atg"
	rm -f "$prefix/bin/atg" "$prefix/bin/atg-server" "$bash" "$zsh" "$fish"
	echo "atg is removed from $prefix; what it keeps in your home folder is still there"
	exit
fi

cd "$here"
# What was damaged on its way is not installed. An archive alone has no sums in it: those of the release are beside it.
if [ -f SHA256SUMS ]; then
	if command -v sha256sum >/dev/null; then
		sha256sum --check --quiet SHA256SUMS
	else
		shasum -a 256 --check --quiet SHA256SUMS
	fi
fi

mkdir -p "$prefix/bin" "$prefix/lib/atg" "${bash%/*}" "${zsh%/*}" "${fish%/*}"
for program in atg atg-backend-local atg-backend-remote atg-server; do
	# A program that runs is not overwritten: the new file takes its name.
	cp "$program" "$prefix/lib/atg/.$program.new"
	chmod 0755 "$prefix/lib/atg/.$program.new"
	mv -f "$prefix/lib/atg/.$program.new" "$prefix/lib/atg/$program"
done
ln -sf ../lib/atg/atg "$prefix/bin/atg"
ln -sf ../lib/atg/atg-server "$prefix/bin/atg-server"
for page in man/man*/*; do
	section=${page%/*}
	mkdir -p "$man/${section#man/}"
	install -m 0644 "$page" "$man/${section#man/}/"
done
install -m 0644 completions/atg.bash "$bash"
install -m 0644 completions/_atg "$zsh"
install -m 0644 completions/atg.fish "$fish"

"$prefix/bin/atg" version
case ":$PATH:" in
*":$prefix/bin:"*) ;;
*) echo "add $prefix/bin to your PATH" ;;
esac
