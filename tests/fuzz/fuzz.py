# SPDX-License-Identifier: MIT
"""
Bytes that nobody would write, through the daemon's own code, in one process with libFuzzer and the
sanitizers. See README.md in this directory.

  fuzz.py [TARGET...]                    each for some seconds, from its corpus: what Meson runs
  fuzz.py --seconds 3600 TARGET          for long; what was found is kept in the build directory
  fuzz.py --input FILE... TARGET         these inputs once: to reproduce
"""

import argparse
import glob
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "lint"))

from tap import ROOT, Tap

# Target: runs that take a few seconds, longest input, its own sources beside TARGET.c.
TARGETS = {
    "wire": (2500, 2048, ("office.c",)),
    "config": (30000, 4096, ()),
    "arena": (1200, 2048, ("office.c", "changes.c")),
    "state": (500, 1024, ("office.c",)),
}
SECONDS_MAX = 20  # of a short run, on however slow a machine
CHECKS = "address,undefined"
FLAGS = ("-std=gnu11", "-O1", "-g", "-fno-omit-frame-pointer", "-Wall", "-Wextra", "-Werror",
         "-Wno-missing-field-initializers", "-D_GNU_SOURCE", '-DTHRUSTER_VERSION=\\"fuzz\\"',
         f"-I{ROOT}", f"-fsanitize=fuzzer-no-link,{CHECKS}", "-fno-sanitize-recover=all")
WRAPPED = ("memory_check", "peer_init")  # by office.c
ENV = {
    "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=1:allocator_may_return_null=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
}


def run(*command, **more):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          encoding="utf-8", errors="replace", check=False, **more)


def why_not():
    """None if there is a clang with a fuzzer, else the reason."""
    if not shutil.which("clang") or not shutil.which("ninja"):
        return "clang or ninja is not installed"
    with tempfile.TemporaryDirectory(prefix="thruster-fuzz-") as directory:
        r = run("clang", "-x", "c", f"-fsanitize=fuzzer,{CHECKS}", "-", "-o",
                os.path.join(directory, "nothing"),
                input="int LLVMFuzzerTestOneInput(void) { return 0; }")
    return f"clang has no fuzzer (libclang-rt-14-dev, g++): {r.stdout[:80]!r}" \
        if r.returncode else None


def pkg_config(what):
    return run("pkg-config", what, "jansson", "libsystemd").stdout.split()


def build(directory, targets):
    """Everything but the daemon's main, and the targets; only what has changed. Faults."""
    sources = sorted(glob.glob("shm/*.c", root_dir=ROOT) + glob.glob("daemon/*.c", root_dir=ROOT))
    sources.remove("daemon/main.c")
    lines = ["rule cc", "  command = clang -MMD -MF $out.d $flags -c $in -o $out",
             "  depfile = $out.d", "  deps = gcc",
             "rule link", f"  command = clang -fsanitize=fuzzer,{CHECKS} $wrap $in -o $out $libs",
             "flags = " + " ".join(FLAGS + tuple(pkg_config("--cflags"))),
             "libs = " + " ".join(pkg_config("--libs") + ["-pthread"])]
    mine = {target: [f"tests/fuzz/{name}" for name in (f"{target}.c", *TARGETS[target][2])]
            for target in targets}
    for source in sorted(set(sources + sum(mine.values(), []))):
        lines.append(f"build {source[:-2].replace('/', '-')}.o: cc {os.path.join(ROOT, source)}")
    for target in targets:
        objects = " ".join(s[:-2].replace("/", "-") + ".o" for s in sources + mine[target])
        lines.append(f"build fuzz-{target}: link {objects}")
        if "office.c" in TARGETS[target][2]:
            lines.append("  wrap = " + " ".join(f"-Wl,--wrap={name}" for name in WRAPPED))
    with open(os.path.join(directory, "build.ninja"), "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    r = run("ninja", "-C", directory, "-j2")
    return [] if r.returncode == 0 else r.stdout.splitlines()[-40:]


def command(directory, target, *more):
    dictionary = os.path.join(HERE, f"{target}.dict")
    return [os.path.join(directory, f"fuzz-{target}"), f"-max_len={TARGETS[target][1]}",
            "-timeout=25", "-print_final_stats=1",
            # Without the thread that looks after the limit, which makes every munmap() slow.
            "-rss_limit_mb=0", "-malloc_limit_mb=256", "-purge_allocator_interval=-1", *more,
            *([f"-dict={dictionary}"] if os.path.exists(dictionary) else [])]


def show(findings):
    """What is needed to have a finding again, as lines."""
    for path in sorted(glob.glob(os.path.join(findings, "*"))):
        with open(path, "rb") as file:
            data = file.read()
        yield f"{os.path.basename(path)}, {len(data)} bytes, in hexadecimal (xxd -r -p):"
        yield from (data[i:i + 40].hex() for i in range(0, len(data), 40))


def short(tap, directory, target):
    corpus = os.path.join(HERE, "corpus", target)
    with tempfile.TemporaryDirectory(prefix="thruster-fuzz-") as scratch:
        new, findings = os.path.join(scratch, "new"), os.path.join(scratch, "findings")
        os.mkdir(new)
        os.mkdir(findings)
        r = run(*command(directory, target, "-seed=1", f"-runs={TARGETS[target][0]}",
                         f"-max_total_time={SECONDS_MAX}", f"-artifact_prefix={findings}/"),
                new, corpus, env=dict(os.environ, **ENV), cwd=scratch)
        faults = [] if r.returncode == 0 else r.stdout.splitlines()[-80:] + list(show(findings))
    done = [line.split()[1] for line in r.stdout.splitlines()
            if line.startswith("stat::number_of_executed_units")]
    tap.check(f"{target}: {' '.join(done) or 'no'} inputs", faults)


def long(directory, target, seconds):
    new, findings = (os.path.join(directory, what, target) for what in ("new", "findings"))
    os.makedirs(new, exist_ok=True)
    os.makedirs(findings, exist_ok=True)
    print(f"new inputs: {new}; findings: {findings}", flush=True)
    return subprocess.run(
        command(directory, target, f"-max_total_time={seconds}", f"-artifact_prefix={findings}/") +
        [new, os.path.join(HERE, "corpus", target)], env=dict(os.environ, **ENV), check=False,
        cwd=directory).returncode


def arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=os.path.join(ROOT, "build-fuzz", "targets"),
                        help="where to compile (default: %(default)s)")
    parser.add_argument("--seconds", type=int, help="how long, for each target")
    parser.add_argument("--input", nargs="+", metavar="FILE", help="run only these")
    parser.add_argument("target", nargs="*", choices=[*TARGETS, []], help="default: all")
    args = parser.parse_args()
    args.target = args.target or list(TARGETS)
    args.build = os.path.abspath(args.build)
    return args


def main():
    args, tap = arguments(), Tap()
    os.makedirs(args.build, exist_ok=True)
    reason = why_not()
    if reason:
        print(f"1..0 # SKIP {reason}")
        return 0
    faults = build(args.build, args.target)
    if args.seconds or args.input:
        print("\n".join(faults))
        for target in args.target if not faults else ():
            if args.input:
                faults = subprocess.run(command(args.build, target) + args.input, check=False,
                                        env=dict(os.environ, **ENV)).returncode
            else:
                faults = long(args.build, target, args.seconds)
            if faults:
                break
        return 1 if faults else 0
    tap.check("the daemon and the targets compile with clang", faults)
    for target in args.target if not faults else ():
        short(tap, args.build, target)
    return tap.done()


sys.exit(main())
