# SPDX-License-Identifier: Apache-2.0
"""sbom.py --dpkg DIR --files DIR --version V --output FILE: what an image holds, in SPDX 2.3 JSON.

DIR of --dpkg is a copy of the image's /var/lib/dpkg: every package that is installed there
becomes an SPDX package with its version, source and package URL. DIR of --files holds the
files of ours that are added to the image: they become files with digests and licence. The
document's name in the world follows from its content, and its date is SOURCE_DATE_EPOCH
where that is set, so that the same image has the same list.
"""
import argparse
import datetime
import hashlib
import json
import os
import re
import sys
import urllib.parse

# Debian's packages say their licences in prose only: /usr/share/doc/PACKAGE/copyright.
UNKNOWN = 'NOASSERTION'
OURS = 'SPDXRef-Package-libsentiment'
LICENCE = 'Apache-2.0'


def paragraphs(path):
    """The paragraphs of a Debian control file as dictionaries."""
    with open(path, encoding='utf-8') as file:
        text = file.read()
    for block in filter(None, re.split(r'\n\s*\n', text.strip())):
        unfolded = re.sub(r'\n[ \t]', '\v', block)
        fields = dict(line.split(':', 1) for line in unfolded.split('\n'))
        yield {name: value.strip() for name, value in fields.items()}


def identifier(name):
    """A name as SPDX allows it: letters, digits, dots and hyphens."""
    plain = re.sub(r'[^A-Za-z0-9.-]', lambda found: '-%x-' % ord(found[0]), name)
    return 'SPDXRef-Package-' + plain


def package_of(fields):
    """An installed Debian package."""
    name, version = fields['Package'], fields['Version']
    architecture = fields['Architecture']
    source = re.match(r'(\S+)(?: \((.+)\))?', fields.get('Source', name))
    url = 'pkg:deb/debian/%s@%s?arch=%s' % tuple(
        urllib.parse.quote(part, safe='') for part in (name, version, architecture))
    return {
        'SPDXID': identifier('%s-%s' % (name, architecture)),
        'name': name,
        'versionInfo': version,
        'supplier': 'Organization: Debian',
        'downloadLocation': UNKNOWN,
        'filesAnalyzed': False,
        'sourceInfo': 'built from: %s %s' % (source[1], source[2] or version),
        'licenseConcluded': UNKNOWN,
        'licenseDeclared': UNKNOWN,
        'copyrightText': UNKNOWN,
        'externalRefs': [{'referenceCategory': 'PACKAGE-MANAGER', 'referenceType': 'purl',
                          'referenceLocator': url}],
    }


def debian_packages(folder):
    """All packages whose files are there, by name."""
    found = [fields for fields in paragraphs(os.path.join(folder, 'status'))
             if fields.get('Status', '').endswith(' installed')]
    if not found:
        raise ValueError('%s: no package is installed there' % folder)
    return [package_of(fields) for fields in sorted(found, key=lambda one: one['Package'])]


def our_files(root, number=0):
    """Regular files below a folder, with digests; links are names for these."""
    for folder, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(folder, name)
            if os.path.islink(path):
                continue
            with open(path, 'rb') as file:
                data = file.read()
            number += 1
            yield {
                'SPDXID': 'SPDXRef-File-%d' % number,
                'fileName': './' + os.path.relpath(path, root),
                'checksums': [{'algorithm': kind, 'checksumValue': make(data).hexdigest()}
                              for kind, make in (('SHA1', hashlib.sha1),
                                                 ('SHA256', hashlib.sha256))],
                'licenseConcluded': LICENCE,
                'licenseInfoInFiles': [LICENCE],
                'copyrightText': UNKNOWN,
            }


def our_package(files, version):
    """The package that our files are; its code is what SPDX 2.3, 7.9 says."""
    digests = sorted(file['checksums'][0]['checksumValue'] for file in files)
    code = hashlib.sha1(''.join(digests).encode()).hexdigest()
    return {
        'SPDXID': OURS, 'name': 'libsentiment', 'versionInfo': version,
        'downloadLocation': UNKNOWN, 'filesAnalyzed': True,
        'packageVerificationCode': {'packageVerificationCodeValue': code},
        'licenseConcluded': LICENCE, 'licenseDeclared': LICENCE,
        'licenseInfoFromFiles': [LICENCE], 'copyrightText': UNKNOWN,
    }


def document(packages, files, version):
    """The whole document."""
    ours = our_package(files, version)
    relations = [('SPDXRef-DOCUMENT', 'DESCRIBES', OURS)]
    relations += [(OURS, 'DEPENDS_ON', package['SPDXID']) for package in packages]
    relations += [(OURS, 'CONTAINS', file['SPDXID']) for file in files]
    seconds = os.environ.get('SOURCE_DATE_EPOCH')
    now = (datetime.datetime.fromtimestamp(int(seconds), datetime.timezone.utc) if seconds
           else datetime.datetime.now(datetime.timezone.utc))
    content = json.dumps([packages, files], sort_keys=True).encode()
    return {
        'spdxVersion': 'SPDX-2.3', 'dataLicense': 'CC0-1.0', 'SPDXID': 'SPDXRef-DOCUMENT',
        'name': 'libsentiment-%s-image' % version,
        'documentNamespace': 'urn:sha256:' + hashlib.sha256(content).hexdigest(),
        'creationInfo': {'created': now.strftime('%Y-%m-%dT%H:%M:%SZ'),
                         'creators': ['Tool: deploy/docker/sbom.py']},
        'documentDescribes': [OURS],
        'packages': [ours, *packages], 'files': files,
        'relationships': [{'spdxElementId': one, 'relationshipType': kind,
                           'relatedSpdxElement': other} for one, kind, other in relations],
    }


def main():
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n', maxsplit=1)[0])
    parser.add_argument('--dpkg', required=True, help="a copy of the image's /var/lib/dpkg")
    parser.add_argument('--files', required=True, help='folder of the files that are added')
    parser.add_argument('--version', required=True, help='of the project')
    parser.add_argument('--output', required=True)
    options = parser.parse_args()
    try:
        files = list(our_files(options.files))
        if not files:
            raise ValueError('%s: there are no files' % options.files)
        made = document(debian_packages(options.dpkg), files, options.version)
        with open(options.output, 'w', encoding='utf-8') as file:
            json.dump(made, file, indent=1)
            file.write('\n')
    except (OSError, ValueError, KeyError) as error:
        sys.exit('sbom: %s' % error)


if __name__ == '__main__':
    main()
