#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Build the project in several ways and run in each the tests that have something to say there.

Every row names what it would catch. The last line is the sum over all rows.
"""

import argparse
import json
import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Row:
    def __init__(self, name, catches, suites, options=(), env=None, build=None, is_whole=True):
        self.name = name
        self.catches = catches
        self.suites = suites
        self.options = list(options)
        self.env = env or {}
        self.build = build or name
        self.is_whole = is_whole  # build all, and not only what the tests need


# The benchmarks, and whom they measure, are built once.
NO_BENCH = ['-Dbench=false']

# Most tests of the daemon wait most of the time.
PROCESSES = 2 * len(os.sched_getaffinity(0))
ALL = []
ROWS = [
    Row('gcc', 'whatever is wrong with what most people build', ALL),
    Row('clang', 'what the other compiler warns about or makes of it', ['unit'],
        NO_BENCH, env={'CC': 'clang'}),
    Row('sanitized', 'reads and writes out of bounds, after free, leaks, undefined behaviour',
        ['unit', 'daemon', 'crash', 'examples'],
        ['-Db_sanitize=address,undefined', '-Db_lundef=false', '-Doptimization=1'] + NO_BENCH),
    Row('threads', 'an order that is missing between two owners of a buffer', ['race'],
        ['-Db_sanitize=thread', '-Db_lundef=false'] + NO_BENCH, env={'CC': 'clang'}, is_whole=False),
    Row('release', 'a check that lived in an assert, and what -O3 makes of the memory orders',
        ['race', 'crash'], ['--buildtype=release', '-Db_ndebug=true'] + NO_BENCH, is_whole=False),
    Row('no-rseq', 'code that counts on restartable sequences being there', ['race', 'crash'],
        env={'GLIBC_TUNABLES': 'glibc.pthread.rseq=0'}, build='gcc'),
]


class Total:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def __str__(self):
        return f'{self.passed} passed, {self.failed} failed, {self.skipped} skipped'

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped


def arguments():
    parser = argparse.ArgumentParser(prog='check', description=__doc__.split('\n', maxsplit=1)[0])
    parser.add_argument('--builds', default=os.path.join(ROOT, 'build-check'), metavar='DIR',
                        help='where to build (default: build-check)')
    parser.add_argument('--row', action='append', choices=[row.name for row in ROWS],
                        help='run only this row; may be given more than once')
    parser.add_argument('--list', action='store_true', help='say what each row would catch')
    return parser.parse_args()


def run(command, env, log):
    """Run a command with its output in a file; True if it succeeded."""
    with open(log, 'ab') as output:
        return subprocess.run(command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=output,
                              stderr=subprocess.STDOUT, check=False).returncode == 0


def tail(path, lines=40):
    with open(path, encoding='utf-8', errors='replace') as text:
        for line in text.readlines()[-lines:]:
            print('   |', line.rstrip())


def count(report):
    """Sum up a JUnit report; what was skipped or failed is printed by name."""
    total = Total()
    for suite in ElementTree.parse(report).getroot().iter('testsuite'):
        cases = suite.findall('testcase')
        bad = 0
        for case in cases:
            name = f"{suite.get('name').split(':', 1)[-1]}: {case.get('name')}"
            if case.find('failure') is not None or case.find('error') is not None:
                bad += 1
                print('   FAILED', name)
            elif case.find('skipped') is not None:
                total.skipped += 1
            else:
                total.passed += 1
        total.failed += bad
        if not cases:
            total.failed += 1
            print('   FAILED', suite.get('name'), 'ran no test')
    return total


def print_skips(log):
    """The reasons, from the TAP lines in Meson's own log."""
    with open(log, encoding='utf-8', errors='replace') as text:
        for line in text:
            if line.startswith(('ok', 'not ok', '1..0')) and '# SKIP' in line.upper():
                print('   skipped:', line.strip())


def needed(row, build):
    """The files that the row's tests need."""
    def introspect(what):
        return json.loads(subprocess.run(['meson', 'introspect', build, f'--{what}'], check=True,
                                         stdout=subprocess.PIPE).stdout)
    ids = {one for test in introspect('tests') for one in test['depends']
           if {suite.split(':')[-1] for suite in test['suite']} & set(row.suites)}
    return [os.path.relpath(file, build) for target in introspect('targets')
            if target['id'] in ids for file in target['filename']]


def make(row, build, env, log):
    setup = ['meson', 'setup', build, '-Dwerror=true', '-Dtests=enabled'] + row.options
    configured = os.path.exists(os.path.join(build, 'build.ninja'))
    if not configured and not run(setup, env, log):
        return False
    return run(['ninja', '-C', build] + ([] if row.is_whole else needed(row, build)), env, log)


def test(row, build, env, log):
    report = os.path.join(build, 'meson-logs', f'{row.name}.junit.xml')
    command = ['meson', 'test', '-C', build, '--no-rebuild', '--logbase', row.name,
               '--print-errorlogs', '--num-processes', str(PROCESSES)]
    for suite in row.suites:
        command += ['--suite', suite]
    if os.path.exists(report):
        os.unlink(report)
    ok = run(command, env, log)
    total = Total()
    if os.path.exists(report):
        total = count(report)
        print_skips(os.path.join(build, 'meson-logs', f'{row.name}.txt'))
    if not ok and total.failed == 0:
        total.failed += 1
    if not ok:
        tail(log, 60)
    return total


def do_row(row, builds):
    build = os.path.join(builds, row.build)
    log = os.path.join(builds, f'{row.name}.log')
    env = dict(os.environ, **row.env)
    setup = ['meson', 'setup', build, '-Dwerror=true', '-Dtests=enabled'] + row.options
    started = time.monotonic()
    print(f'== {row.name}: would catch {row.catches}', flush=True)
    with open(log, 'wb'):
        pass
    if not make(row, build, env, log):
        print('   FAILED to build')
        tail(log)
        total = Total()
        total.failed = 1
        return total
    print(f'   built in {time.monotonic() - started:.0f} s, testing', flush=True)
    total = test(row, build, env, log)
    print(f'   {total} ({time.monotonic() - started:.0f} s)', flush=True)
    return total


def main():
    args = arguments()
    if args.list:
        for row in ROWS:
            print(f"{row.name:10} {', '.join(row.suites) or 'all'}: {row.catches}")
        return 0
    os.makedirs(args.builds, exist_ok=True)
    total = Total()
    for row in ROWS:
        if not args.row or row.name in args.row:
            total.add(do_row(row, args.builds))
    print(total)
    return 1 if total.failed else 0


if __name__ == '__main__':
    sys.exit(main())
