# SPDX-License-Identifier: Apache-2.0
"""What the tests of lineage, golden vectors and verify do with native files: open
them with nothing but Python, look inside, and change them in every way."""
import hashlib
import json
import struct
import zlib


class Native:
    """A .safetensors file: header as a dictionary, data as a bytearray."""

    def __init__(self, path):
        with open(path, 'rb') as file:
            content = file.read()
        length, = struct.unpack('<Q', content[:8])
        self.header = json.loads(content[8:8 + length].decode('utf-8'))
        self.data = bytearray(content[8 + length:])
        self.metadata = self.header['__metadata__']

    def flip(self, name, byte=3):
        """Flips a high bit of the first number of a tensor: an exponent's."""
        self.data[self.header[name]['data_offsets'][0] + byte] ^= 0x10

    def seal_crc(self):
        """States the CRC-32 that the data has now."""
        self.metadata['data_crc32'] = '%08x' % zlib.crc32(self.data)

    def seal_sha256(self):
        """States the SHA-256 that the data has now."""
        self.metadata['data_sha256'] = hashlib.sha256(self.data).hexdigest()

    def golden(self):
        """The golden vectors."""
        return json.loads(self.metadata['golden'])

    def set_golden(self, golden):
        """Writes them back."""
        self.metadata['golden'] = json.dumps(golden)

    def lineage(self):
        """The steps."""
        return json.loads(self.metadata.get('lineage', '[]'))

    def save(self, path):
        """Writes the file; returns the path."""
        text = json.dumps(self.header).encode('utf-8')
        text += b' ' * (-(8 + len(text)) % 64)
        with open(path, 'wb') as file:
            file.write(struct.pack('<Q', len(text)) + text + self.data)
        return path
