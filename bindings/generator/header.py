# SPDX-License-Identifier: Apache-2.0
"""The public header as clang's AST tells it: declarations, types, comments.

Turns the JSON of `clang -ast-dump=json` into plain dictionaries (README.md beside
this folder describes them). Knows C and the tags of the header's comments; knows no
other language. Macros are not in the AST: they are read from the text.
"""
import json
import re
import subprocess

# Sizes where pointers have eight bytes, as the ABI baseline has them.
SIZES = {'char': 1, 'int8_t': 1, 'uint8_t': 1, 'int16_t': 2, 'uint16_t': 2, 'int32_t': 4,
         'uint32_t': 4, 'int64_t': 8, 'uint64_t': 8, 'size_t': 8, 'float': 4, 'double': 8,
         'sentiment_status': 4}
POINTER = 8
MACRO = re.compile(r'(?:/\*\*\s*(?P<doc>(?:[^*]|\*(?!/))*?)\s*\*/\n)?'
                   r'#define (?P<name>SENTIMENT_\w+) +(?P<value>[^\n]+)$', re.MULTILINE)
MACRO_VALUES = {'UINT32_MAX': 2**32 - 1, 'UINT64_MAX': 2**64 - 1}
VERSION = re.compile(r'^\d+\.\d+$')
ENUM = re.compile(r'\benum (sentiment_\w+)')
FUNCTION_TYPE = re.compile(r'^(.*?)\(\*\)\((.*)\)$')


class Problems(list):
    """What is wrong with the header, all of it at once."""

    def need(self, condition, where, what):
        """Notes a problem unless the condition holds."""
        if not condition:
            self.append('%s: %s' % (where, what))


def is_ours(node):
    """Whether a declaration is the header's: by its name, by its values, or exported."""
    values = [each['name'] for each in children(node, 'EnumConstantDecl')]
    return node.get('name', '').startswith('sentiment_') or children(node, 'VisibilityAttr') or (
        any(name.startswith('SENTIMENT_') for name in values))


def dump(clang, header):
    """The top-level declarations of the header that are ours, in order."""
    done = subprocess.run([clang, '-std=c11', '-Xclang', '-ast-dump=json', '-fparse-all-comments',
                           '-fsyntax-only', '-x', 'c', header], stdout=subprocess.PIPE, check=True)
    tree = json.loads(done.stdout)
    return [node for node in tree['inner'] if is_ours(node)]


def children(node, kind):
    """Those of one kind."""
    return [child for child in node.get('inner', []) if child['kind'] == kind]


# ---------------------------------------------------------------- comments

def pieces(node):
    """Text and tags of a comment, in order: strings, and (tag, direction or None)."""
    for child in node.get('inner', []):
        kind = child['kind']
        if kind == 'TextComment':
            yield child['text']
        elif kind == 'InlineCommandComment':
            yield (child['name'], None)
        elif kind == 'ParagraphComment':
            yield from pieces(child)
            yield '\n\n'
        elif kind == 'BlockCommandComment':
            yield (child['name'], None)
            yield from pieces(child)
        elif kind == 'ParamCommandComment':
            yield ('param ' + child['param'],
                   child['direction'] if child.get('explicit') else None)
            yield from pieces(child)


def clean(text):
    """Paragraphs of one line each."""
    paragraphs = [' '.join(part.split()) for part in re.split(r'\n\n+', text)]
    return '\n\n'.join(part for part in paragraphs if part)


def sections(node):
    """A comment cut at its tags: [(tag, direction, text behind it)], first with tag ''."""
    found = [['', None, '']]
    for comment in children(node, 'FullComment'):
        for piece in pieces(comment):
            if isinstance(piece, str):
                # Lines of a comment arrive one by one; a paragraph ends with an empty one.
                found[-1][2] += piece if piece == '\n\n' else piece + '\n'
            else:
                found.append([piece[0], piece[1], ''])
    return [(tag, direction, clean(text)) for tag, direction, text in found]


def describe(parts):
    """The doc and the tags of one thing: nullable, owned and borrowed with what follows them."""
    said = {'doc': parts[0][2]}
    for tag, _, text in parts[1:]:
        if tag in ('nullable', 'owned', 'threadsafe'):
            said[tag] = text if tag == 'nullable' and text else True
        elif tag in ('borrowed', 'since'):
            said[tag] = text
    if ENUM.search(said['doc']):
        said['enum'] = ENUM.search(said['doc'])[1]
    return said


def split_params(parts):
    """The sections of a function's comment: its own, and those of each parameter and of
    the return value (key None)."""
    groups, current = {'': []}, ''
    for tag, direction, text in parts:
        if tag.startswith('param '):
            current = tag[6:]
            groups[current] = [(direction, direction, text)]
        elif tag == 'return':
            current = None
            groups[current] = [('', None, text)]
        else:
            groups[current].append((tag, direction, text))
    return groups


# ------------------------------------------------------------------- types

def parse_type(text):
    """A C type as {base, pointers, const, array | params, returns}."""
    text = text.strip()
    match = FUNCTION_TYPE.match(text)
    if match:
        params = [] if match[2] in ('', 'void') else match[2].split(',')
        return {'c': text, 'base': 'function', 'returns': parse_type(match[1]),
                'params': [parse_type(each) for each in params]}
    parsed = {'c': text}
    match = re.match(r'^(.*)\[(\d+)\]$', text)
    if match:
        text, parsed['array'] = match[1].strip(), int(match[2])
    parsed['pointers'] = text.count('*')
    parsed['const'] = text.startswith('const ')
    parsed['base'] = re.sub(r'\bconst\b|\*', '', text).replace('struct ', '').strip()
    return parsed


def size_of(kind, callbacks):
    """Bytes of a field; its alignment is that of one element."""
    if kind['base'] == 'function' or kind.get('pointers') or kind['base'] in callbacks:
        return POINTER, POINTER
    one = SIZES[kind['base']]
    return one * kind.get('array', 1), one


def lay_out(struct, callbacks):
    """Adds offsets to the fields, and the size to the struct."""
    place = widest = 0
    for field in struct['fields']:
        size, alignment = size_of(field['type'], callbacks)
        place = (place + alignment - 1) // alignment * alignment
        field['offset'], field['size'] = place, size
        place, widest = place + size, max(widest, alignment)
    struct['size'] = (place + widest - 1) // widest * widest


# ------------------------------------------------------------ declarations

def read_enum(node):
    """An enum with its values, which the header writes out."""
    values = []
    for each in children(node, 'EnumConstantDecl'):
        literal = children(each, 'ConstantExpr')
        values.append({'name': each['name'], 'value': int(literal[0]['value']) if literal else None,
                       **describe(sections(each))})
    return {'name': node.get('name', ''), **describe(sections(node)), 'values': values}


def read_struct(node):
    """A struct that is complete."""
    fields = [{'name': each['name'], 'type': parse_type(each['type']['qualType']),
               **describe(sections(each))} for each in children(node, 'FieldDecl')]
    return {'name': node['name'], **describe(sections(node)), 'fields': fields}


def read_function(node):
    """A function, its parameters and what it returns."""
    groups = split_params(sections(node))
    params = []
    for each in children(node, 'ParmVarDecl'):
        parts = groups.get(each['name'], [(None, None, '')])
        params.append({'name': each['name'], 'type': parse_type(each['type']['qualType']),
                       'direction': parts[0][1], **describe(parts)})
    signature = node['type']['qualType']
    returns = {'type': parse_type(signature[:signature.index('(')])}
    if None in groups:
        returns.update(describe(groups[None]))
    strangers = set(groups) - {each['name'] for each in params} - {'', None}
    return {'name': node['name'], **describe(groups['']), 'params': params, 'returns': returns,
            **({'strangers': sorted(strangers)} if strangers else {})}


def read_typedef(node, api):
    """A handle, a callback, or a plain name for another type."""
    kind = node['type']['qualType']
    said = {'name': node['name'], **describe(sections(node))}
    if '(*)' in kind:
        api['callbacks'].append({**said, 'type': parse_type(kind)})
    elif kind.startswith('struct '):
        api['handles'].append(said)
    else:
        api['aliases'].append({**said, 'type': parse_type(kind)})


def read_macros(text):
    """The macros with a value: its number, None where it is none that we can read."""
    for match in MACRO.finditer(text):
        number = int(match['value']) if match['value'].isdecimal() else None
        if match['name'] != 'SENTIMENT_API':
            yield {'name': match['name'], 'value': MACRO_VALUES.get(match['value'], number),
                   'doc': clean(re.sub(r'\n \*', '\n', match['doc'] or ''))}


def sinces(node):
    """Every @since below a node."""
    if isinstance(node, dict):
        if 'since' in node:
            yield node['since']
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from sinces(child)


def minimum_version(api):
    """The first version of the library that has everything: [major, minor]."""
    return max([int(part) for part in each.split('.')] for each in sinces(api)
               if VERSION.match(each))


def opening(text):
    """The comment that the header begins with, without its stars: what holds everywhere."""
    comment = re.search(r'/\*\*\n \* @file [^\n]*\n(.*?)\n \*/', text, re.DOTALL)
    return re.sub(r'^ \* ?', '', comment[1], flags=re.MULTILINE) if comment else ''


def read(clang, header):
    """The whole header."""
    with open(header, encoding='ascii') as stream:
        text = stream.read()
    api = {'constants': list(read_macros(text)), 'aliases': [], 'enums': [], 'handles': [],
           'callbacks': [], 'structs': [], 'functions': []}
    for node in dump(clang, header):
        if node['kind'] == 'EnumDecl':
            api['enums'].append(read_enum(node))
        elif node['kind'] == 'RecordDecl' and node.get('completeDefinition'):
            api['structs'].append(read_struct(node))
        elif node['kind'] == 'FunctionDecl':
            api['functions'].append(read_function(node))
        elif node['kind'] == 'TypedefDecl':
            read_typedef(node, api)
    complete = {struct['name'] for struct in api['structs']}
    api['handles'] = [each for each in api['handles'] if each['name'] not in complete]
    callbacks = {each['name'] for each in api['callbacks']}
    for struct in api['structs']:
        lay_out(struct, callbacks)
    return {'doc': opening(text), 'minimum_version': minimum_version(api), **api}


# ------------------------------------------------------------------ checks

def check_thing(problems, thing, where):
    """What every documented thing has."""
    problems.need(thing['doc'], where, 'no comment')
    problems.need('since' in thing, where, 'no @since')
    problems.need(VERSION.match(thing.get('since', '0.0')), where, '@since is no "major.minor"')


def check_pointer(problems, thing, where):
    """Who owns what a pointer points to."""
    problems.need('owned' in thing or 'borrowed' in thing, where, 'neither @owned nor @borrowed')


def check_function(problems, function):
    """Tags of a function, of its parameters and of its return value."""
    name = function['name']
    check_thing(problems, function, name)
    for stranger in function.get('strangers', []):
        problems.append('%s: @param of no parameter: %s' % (name, stranger))
    for param in function['params']:
        where = '%s: %s' % (name, param['name'])
        problems.need(param['doc'] or 'nullable' in param, where, 'no @param')
        problems.need(param['direction'], where, 'no direction: @param[in], [out] or [in,out]')
        # A pointer that is given out belongs to somebody.
        if param['direction'] == 'out' and param['type'].get('pointers', 0) > 1:
            check_pointer(problems, param, where)
        writes = param['type'].get('pointers') and not param['type']['const']
        problems.need(param['direction'] in ('in', None) or writes or param['type']['pointers'] > 1,
                      where, 'an output that cannot be written to')
    kind = function['returns']['type']
    if kind['c'] != 'void':
        problems.need(function['returns'].get('doc'), name, 'no @return')
    if kind['pointers']:
        check_pointer(problems, function['returns'], name + ': @return')


def check(api):
    """Everything that the comments must say, as a list of problems."""
    problems = Problems()
    problems.need(api['doc'], 'the header', 'no comment that begins with @file')
    for kind in ('enums', 'functions'):
        for each in api[kind]:
            problems.need(each['name'].startswith('sentiment_'), each['name'] or 'an enum',
                          'a name that does not begin with sentiment_')
    for macro in api['constants']:
        problems.need(macro['value'] is not None, macro['name'], 'a macro that is no number')
    for kind in ('aliases', 'enums', 'handles', 'callbacks', 'structs'):
        for each in api[kind]:
            check_thing(problems, each, each['name'])
    for enum in api['enums']:
        before = None
        for value in enum['values']:
            problems.need(value['value'] is not None, value['name'], 'no explicit value')
            # clang gives a value that has no comment that of the one before it.
            problems.need((value['doc'] or value['value'] == 0) and value['doc'] != before,
                          value['name'], 'no comment')
            before = value['doc']
    for struct in api['structs']:
        for field in struct['fields']:
            where = '%s.%s' % (struct['name'], field['name'])
            problems.need(field['doc'] or 'nullable' in field, where, 'no comment')
            if field['type'].get('pointers') and 'nullable' not in field:
                check_pointer(problems, field, where)
    for function in api['functions']:
        check_function(problems, function)
    return problems
