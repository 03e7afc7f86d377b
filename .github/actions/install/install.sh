#!/usr/bin/env bash
# Installs the release VERSION of REPOSITORY for the runner's system, and adds it to the
# path of later steps. It fails if the archive does not have its checksum.
set -euo pipefail
site=${SITE:-https://github.com}

if [[ $VERSION == latest ]]; then
	VERSION=$(curl -fsSL --retry 3 -o /dev/null -w '%{url_effective}' "$site/$REPOSITORY/releases/latest")
	VERSION=${VERSION##*/}
fi
[[ $VERSION == v* ]] || VERSION=v$VERSION
if [[ ! $VERSION =~ ^v[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$ ]]; then
	echo "::error::$VERSION is not a release of $REPOSITORY; write it like v1.2.3"
	exit 1
fi
case $RUNNER_OS in
Linux) os=linux format=tar.gz ;;
macOS) os=darwin format=tar.gz ;;
Windows) os=windows format=zip ;;
*) echo "::error::there is no release for $RUNNER_OS" && exit 1 ;;
esac
case $RUNNER_ARCH in
X64) arch=amd64 ;;
ARM64) arch=arm64 ;;
*) echo "::error::there is no release for $RUNNER_ARCH" && exit 1 ;;
esac

archive=tracemigrate_${VERSION#v}_${os}_$arch.$format
dir=$RUNNER_TEMP/tracemigrate-$VERSION
mkdir -p "$dir"
cd "$dir"
for name in checksums.txt "$archive"; do
	curl -fsSL --retry 3 -o "$name" "$site/$REPOSITORY/releases/download/$VERSION/$name"
done
if ! want=$(grep -E "^[0-9a-f]{64}  $archive\$" checksums.txt); then
	echo "::error::checksums.txt of $VERSION does not have $archive"
	exit 1
fi
if command -v sha256sum >/dev/null; then
	sha256sum -c - <<<"$want"
else
	shasum -a 256 -c - <<<"$want"
fi
if [[ $format == zip ]]; then
	unzip -oq "$archive"
else
	tar -xzf "$archive"
fi
rm "$archive" checksums.txt

./tracemigrate version
if [[ $os == windows ]]; then
	dir=$(cygpath -w "$dir")
fi
echo "$dir" >>"$GITHUB_PATH"
echo "version=$VERSION" >>"$GITHUB_OUTPUT"
