# SPDX-License-Identifier: Apache-2.0
"""make_kserve_schema.py WHEEL: writes kserve_schema.json beside it, the schemas of KServe's
ServingRuntime and InferenceService.

No package carries the definitions of these kinds as JSON. WHEEL is that of the PyPI package
kserve, whose models, generated from KServe's API, name every field and its type; they are
read as text, so nothing of what kserve depends on is needed. Types of Kubernetes itself
become references to the schemas of kubernetes-validate.
"""
import ast
import json
import os
import re
import sys
import zipfile

ROOTS = ['V1alpha1ServingRuntime', 'V1beta1InferenceService']
PLAIN = {'str': {'type': 'string'}, 'int': {'type': 'integer'}, 'bool': {'type': 'boolean'},
         'float': {'type': 'number'}, 'object': {}, 'datetime': {'type': 'string'}}


def read_models(wheel):
    """Class name to (types, names in JSON, required)."""
    models = {}
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if not re.match(r'kserve/models/v1\w+\.py$', name):
                continue
            text = archive.read(name).decode('utf-8')
            for node in ast.parse(text).body:
                if isinstance(node, ast.ClassDef):
                    tables = {item.targets[0].id: ast.literal_eval(item.value)
                              for item in node.body if isinstance(item, ast.Assign)}
                    needed = re.findall(r'`(\w+)`, must not be `None`', text)
                    models[node.name] = (tables['openapi_types'], tables['attribute_map'], needed)
    return models


def schema_of(kind, models, wanted):
    """JSON Schema of a type; classes of KServe are added to `wanted`."""
    inner = re.fullmatch(r'(list|dict)(?:\[|\(str, )(.*)[\])]', kind)
    if inner:
        items = schema_of(inner[2], models, wanted)
        return ({'type': 'array', 'items': items} if inner[1] == 'list'
                else {'type': 'object', 'additionalProperties': items})
    if kind in models:
        wanted.append(kind)
        return {'$ref': '#/definitions/' + kind}
    if re.fullmatch(r'V1[A-Z]\w+', kind):
        return {'$ref': 'kubernetes:' + kind[2:]}
    return PLAIN.get(kind, {})


def main(wheel):
    """See above."""
    models, wanted, definitions = read_models(wheel), list(ROOTS), {}
    while wanted:
        kind = wanted.pop()
        if kind in definitions:
            continue
        types, names, needed = models[kind]
        definitions[kind] = {
            'type': 'object', 'additionalProperties': False,
            'required': sorted(names[name] for name in set(needed)),
            'properties': {names[name]: schema_of(types[name], models, wanted)
                           for name in sorted(types)}}
    document = {'$comment': 'Written by make_kserve_schema.py from %s' % os.path.basename(wheel),
                'definitions': {kind: definitions[kind] for kind in sorted(definitions)}}
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'kserve_schema.json')
    with open(path, 'w', encoding='utf-8') as file:
        json.dump(document, file, indent=0, separators=(',', ':'))
        file.write('\n')


if __name__ == '__main__':
    main(*sys.argv[1:])
