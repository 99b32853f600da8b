# shellcheck shell=bash
# What the scripts here ask of Debian. Sourced, not run.

# The mirror this machine is configured with.
debian_mirror() {
  local codename mirror
  codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
  mirror=$(index_sites "$codename")
  if [ -z "$mirror" ] && [ "$(id -u)" = 0 ]; then
    apt-get -qq update
    mirror=$(index_sites "$codename")
  fi
  [ -n "$mirror" ] || { echo "apt knows no mirror for '$codename'; run: sudo apt-get update" >&2; return 1; }
  echo "$mirror"
}

# $(SITE) is apt's own placeholder.
# shellcheck disable=SC2016
index_sites() { apt-get indextargets --format '$(SITE)' 'Created-By: Packages' "Codename: $1" | sed -n 1p; }

# Gives the folder $1 lists of its own, read from the one source line $2: nothing of the system's apt configuration changes.
make_private_apt() {
  mkdir -p "$1/lists/partial" "$1/archives/partial"
  echo "$2" > "$1/sources.list"
  private_apt "$1" update
}

# Runs apt-get on the lists of folder $1.
private_apt() {
  local folder=$1
  shift
  apt-get -qq -o "Dir::Etc::sourcelist=$folder/sources.list" -o Dir::Etc::sourceparts=/dev/null \
    -o "Dir::State::lists=$folder/lists" -o "Dir::Cache=$folder" -o APT::Sandbox::User=root "$@"
}
