# Shared by the scripts of this folder; sourced, never run.
# shellcheck shell=bash

JAVA_NEEDED=25
ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
JAR=$ROOT/target/orrery.jar

if [ -t 2 ] && [ -z "${NO_COLOR:-}" ]; then
  BOLD=$'\e[1m' RED=$'\e[31m' DIM=$'\e[2m' PLAIN=$'\e[0m'
else
  BOLD='' RED='' DIM='' PLAIN=''
fi

# say TEXT: what happens now. Standard output belongs to what the user asked for, so this goes to standard error.
say() { printf '%s\n' "$DIM${0##*/}:$PLAIN $*" >&2; }

# die CODE TEXT: one line that names what is wrong and the cure.
die() {
  local code=$1
  shift
  printf '%s\n' "$RED${0##*/}:$PLAIN $*" >&2
  exit "$code"
}

# help: prints the comment at the head of the calling script.
help() { sed -n '2,/^[^#]/{/^#/!d;s/^# \{0,1\}//;p}' "$0"; }

has() { command -v "$1" >/dev/null 2>&1; }

# java_version HOME: the feature version of the JDK in that folder; fails where there is none.
java_version() {
  [ -x "$1/bin/java" ] && [ -x "$1/bin/javac" ] && [ -r "$1/release" ] || return 1
  sed -n 's/^JAVA_VERSION="\{0,1\}\([0-9]\{1,\}\).*/\1/p' "$1/release" | grep .
}

# is_new_enough HOME
is_new_enough() {
  local version
  version=$(java_version "$1") && [ "$version" -ge "$JAVA_NEEDED" ]
}

# jdk_home: the folder of a JDK that is new enough, in the order in which the jar's launcher looks: what the user names,
# then of those in the usual folders the oldest.
jdk_home() {
  local home program version best='' best_version=0
  for home in "${JAVA_HOME:-}" "${JDK_HOME:-}"; do
    if [ -n "$home" ] && is_new_enough "$home"; then
      printf '%s\n' "$home"
      return
    fi
  done
  while IFS= read -r program; do
    home=$(dirname -- "$(dirname -- "$(readlink -f -- "$program")")")
    if is_new_enough "$home"; then
      printf '%s\n' "$home"
      return
    fi
  done < <(type -ap java)
  for home in /usr/lib/jvm/* /usr/java/* /usr/local/lib/jvm/* /opt/* /opt/java/* "$HOME"/.sdkman/candidates/java/* \
    "$HOME"/.jdks/* "$HOME"/.asdf/installs/java/* "$HOME"/.local/share/mise/installs/java/* \
    {,"$HOME"}/Library/Java/JavaVirtualMachines/*/Contents/Home \
    {/opt/homebrew,/usr/local}/opt/*/libexec/openjdk.jdk/Contents/Home; do
    if version=$(java_version "$home") && [ "$version" -ge "$JAVA_NEEDED" ] &&
      { [ -z "$best" ] || [ "$version" -lt "$best_version" ]; }; then
      best=$home
      best_version=$version
    fi
  done
  [ -n "$best" ] && printf '%s\n' "$best"
}

# need_jdk: sets JAVA_HOME to a JDK that is new enough, for us and for Maven.
need_jdk() {
  JAVA_HOME=$(HOME=${HOME:-/nonexistent} jdk_home) || die 78 "needs a JDK $JAVA_NEEDED or newer and found none in" \
    "JAVA_HOME, JDK_HOME, PATH, /usr/lib/jvm, /opt, ~/.sdkman or ~/.jdks. Install one (https://adoptium.net), or set" \
    "JAVA_HOME to its folder."
  export JAVA_HOME
}

# maven ARG…: Maven on the JDK of need_jdk, without the warnings that an older Maven earns itself there.
maven() {
  has mvn || die 78 "needs Maven 3.8 or newer (mvn) and found none on the PATH. On Debian: apt-get install maven"
  MAVEN_OPTS="--enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow ${MAVEN_OPTS:-}" \
    mvn -B -ntp -f "$ROOT/pom.xml" "$@"
}

# maven_quietly: tells what is wrong and nothing else, without the sequences for colours that Maven ends with everywhere.
maven_quietly() {
  maven -q "$@" 2>&1 | sed $'s/\e\\[[0-9;]*m//g' 1>&2
}

# jar_is_current: whether the jar is there and no source is younger.
jar_is_current() {
  [ -f "$JAR" ] && [ -z "$(find "$ROOT/src/main" "$ROOT/pom.xml" "$ROOT/openapi.yaml" "$ROOT/conf/logback.xml" \
    -newer "$JAR" -print -quit 2>/dev/null)" ]
}

# build_if_needed: brings the jar up to date. Two scripts at once build one after the other.
build_if_needed() {
  jar_is_current && return
  if ! has mvn && [ -f "$JAR" ]; then
    say "the jar is older than its sources, and there is no Maven (mvn) to build it: using it as it is"
    return
  fi
  mkdir -p "$ROOT/target"
  (
    if has flock; then
      flock 9
      if jar_is_current; then exit; fi
    fi
    say "building target/orrery.jar (the first time, Maven downloads libraries of some 250 MB to ~/.m2)"
    maven_quietly -DskipTests package || die 1 "the build failed; the lines above say why"
  ) 9>"$ROOT/target/.build-lock"
}
