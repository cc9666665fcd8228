#!/usr/bin/env python3
"""Reads every #include of the layers and fails when one breaks a rule below: include_rules.py SOURCE_DIRECTORY.

Also: only some files may open connections, use a database or a YAML parser, start processes, or make the types that say that
a request was judged or cleared. Files of more than 500 lines are listed, not refused.
"""
import pathlib
import re
import sys

# One line per layer: what it may include besides itself. The picture is in ARCHITECTURE.md.
LAYERS = {
    'core': [],
    'policies': ['core'],
    'cache': ['core'],
    'providers': ['core'],
    'local_engine': ['core'],
    'router': ['core', 'policies', 'cache', 'providers', 'local_engine'],
    'gateway': ['core', 'policies', 'cache', 'providers', 'local_engine', 'router'],
}

# Who may open a connection or listen for one. Nobody else includes what it takes.
NETWORK_FILES = ['core/net/', 'core/boost_sources.cpp', 'core/precompiled.hpp', 'providers/', 'cache/redis_', 'gateway/']
# Header prefix -> path prefixes of the files that may include it.
HEADERS = {
    'core/net/': NETWORK_FILES,
    'boost/asio.hpp': NETWORK_FILES,
    'boost/asio/ip/': NETWORK_FILES,
    'boost/asio/local/': NETWORK_FILES,
    'boost/asio/ssl': NETWORK_FILES,
    'boost/asio/connect': NETWORK_FILES,
    'boost/beast': NETWORK_FILES,
    'sys/socket.h': NETWORK_FILES,
    'netdb.h': NETWORK_FILES,
    'netinet/': NETWORK_FILES,
    'curl/': [],
    'hiredis': ['cache/redis_'],
    'sqlite3.h': ['policies/'],
    'yaml-cpp/': ['policies/catalogue', 'gateway/config/'],
    'cuda': ['local_engine/kernels/cuda/'],
    'openssl/': ['core/', 'providers/', 'cache/', 'gateway/', 'policies/'],
}
# Text that only some files may contain, comments and strings apart: the precompiled header brings Asio to every file, so its
# names are watched as well as its headers.
WORDS = {
    r'\bip::(tcp|udp)\b': NETWORK_FILES,
    r'\b(tcp_stream|ssl_stream|ssl::stream|basic_stream_socket)\b': NETWORK_FILES,
    r'::(connect|socket|bind|listen|accept)\s*\(': NETWORK_FILES,
    r'\b(popen|system|execl|execlp|execv|execvp|execve|fork|vfork|posix_spawnp?)\s*\(': [],
    r'\bCloudCleared\s*[({]\s*[^&)\s]': ['core/cleared.hpp', 'router/clearance_gate.cpp'],
    r'\bClassified\s*[({]\s*[^&)\s]': ['core/classified.hpp', 'policies/sensitivity/classifier.cpp'],
    r'\bclass\s+ClearanceGate\b(?!::)': ['core/cleared.hpp', 'router/clearance_gate.hpp'],
    r'\bclass\s+Classifier\b(?!::)': ['core/classified.hpp', 'policies/sensitivity/classifier.hpp'],
    r'\b(bit_cast|reinterpret_cast|const_cast)\s*<[^>]*\b(CloudCleared|Classified|ChatRequest|Secret)\b': [],
}
LONG_FILE = 500
# gcc 12 destroys an aggregate that is made inside an expression with co_await twice: `co_await f(Error{...})` ends the process.
# Such values get a name first. Braces without a type are let through: they make what the parameter says, and a vector or an
# aggregate of numbers is safe.
AWAITED_AGGREGATE = re.compile(r'\bco_(?:await|yield)\b[^;{}]*\b[A-Za-z_]\w*\{')

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^">]+)[">]')
NOT_CODE = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"', re.S)


def without_comments_and_strings(text):
    """The text with the same line numbers and nothing a compiler would not look up."""
    return NOT_CODE.sub(lambda match: re.sub(r'[^\n]', ' ', match.group()), text)


def allowed(path, prefixes):
    return any(path.startswith(prefix) for prefix in prefixes)


def check_include(path, header):
    layer, target = path.split('/')[0], header.split('/')[0]
    if target in LAYERS and target != layer and target not in LAYERS[layer]:
        yield f'{layer} may not include {header}'
    if target == 'tests':
        yield f'{layer} may not include {header}: the product does not know its tests'
    for prefix, files in HEADERS.items():
        if header.startswith(prefix) and not allowed(path, files):
            yield f'may not include {header}'


def check_file(root, file):
    path = file.relative_to(root).as_posix()
    text = file.read_text(encoding='utf-8')
    errors = []
    for number, line in enumerate(text.splitlines(), 1):
        include = INCLUDE.match(line)
        if not include:
            continue
        header = include.group(1)
        if '"' in line and not (root / header).exists() and '/' not in header:
            errors.append(f'{path}:{number}: include from the root: "{header}"')
        errors += [f'{path}:{number}: {what}' for what in check_include(path, header)]
    code = without_comments_and_strings(text)
    for pattern, files in WORDS.items():
        for found in re.finditer(pattern, code):
            if not allowed(path, files):
                number = code.count('\n', 0, found.start()) + 1
                errors.append(f'{path}:{number}: may not use {found.group().strip()}')
    for found in AWAITED_AGGREGATE.finditer(code):
        number = code.count('\n', 0, found.end()) + 1
        errors.append(f'{path}:{number}: name what is made with braces before co_await: gcc 12 destroys it twice')
    lines = text.count('\n')
    return errors, [f'{path}: {lines} lines'] if lines > LONG_FILE else []


def check(root):
    root = pathlib.Path(root)
    errors, long_files, files = [], [], 0
    for layer in LAYERS:
        for file in sorted((root / layer).rglob('*')):
            if file.suffix in ('.cpp', '.hpp', '.cu', '.cuh', '.c', '.h', '.inc') and file.is_file():
                files += 1
                found, long_file = check_file(root, file)
                errors += found
                long_files += long_file
    return files, errors, long_files


def main():
    files, errors, long_files = check(sys.argv[1])
    for line in long_files:
        print('long:', line)
    for line in errors:
        print('error:', line)
    print(f'{files} files, {len(errors)} broken rules')
    return 1 if errors or files == 0 else 0


if __name__ == '__main__':
    sys.exit(main())
