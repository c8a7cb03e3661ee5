#!/bin/sh
# Install the Debian packages named as arguments that are missing. Only root can; others are told what is
# missing and go on, for most of the project works without. On other systems nothing happens.
set -eu

command -v dpkg-query >/dev/null || exit 0

missing=
for package in "$@"; do
    state=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ]; then
    echo "Not installed, and not root to do it: apt install$missing"
    exit 0
fi

export DEBIAN_FRONTEND=noninteractive
for attempt in 1 2 3; do
    # shellcheck disable=SC2086 # a list of names
    if apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing >/dev/null; then
        exit 0
    fi
    echo "apt-get failed (attempt $attempt of 3)"
    sleep $((attempt * 5))
done
echo "These Debian packages could not be installed:$missing"
exit 1
