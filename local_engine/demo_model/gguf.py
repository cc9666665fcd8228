"""A small GGUF v3 writer and reader (Q8_0 and F32 only), enough for the demo model."""
import struct

import numpy as np

F32, Q8_0, ALIGN = 0, 8, 32
U32, I32, FLOAT, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9


def quantise(x):
    """Q8_0: blocks of 32 values, one half-precision scale and 32 signed bytes."""
    x = np.ascontiguousarray(x, np.float32).reshape(-1, 32)
    scale = np.abs(x).max(1, keepdims=True) / 127
    inverse = np.divide(1, scale, out=np.zeros_like(scale), where=scale > 0)
    q = x * inverse
    q = (np.sign(q) * np.floor(np.abs(q) + 0.5)).astype(np.int8)
    return np.concatenate([scale.astype("<f2").view(np.uint8), q.view(np.uint8)], 1).tobytes()


def dequantise(data, shape):
    block = np.frombuffer(data, np.uint8).reshape(-1, 34)
    return (block[:, :2].copy().view("<f2").astype(np.float32) * block[:, 2:].view(np.int8)).reshape(shape)


def _string(s):
    data = s.encode()
    return struct.pack("<Q", len(data)) + data


def _value(kind, v):
    if kind == STRING:
        return _string(v)
    return struct.pack({U32: "<I", I32: "<i", FLOAT: "<f", BOOL: "<?"}[kind], v)


def write(path, metadata, tensors):
    """metadata: [(key, kind, value)], kind (ARRAY, element) for lists; tensors: [(name, array, type)], rows last."""
    out = [b"GGUF", struct.pack("<Iqq", 3, len(tensors), len(metadata))]
    for key, kind, value in metadata:
        out.append(_string(key))
        if isinstance(kind, tuple):
            out.append(struct.pack("<iiQ", ARRAY, kind[1], len(value)))
            out += [_value(kind[1], v) for v in value]
        else:
            out += [struct.pack("<i", kind), _value(kind, value)]
    offset, blobs = 0, []
    for name, array, kind in tensors:
        data = quantise(array) if kind == Q8_0 else np.ascontiguousarray(array, "<f4").tobytes()
        dims = array.shape[::-1]
        out.append(_string(name) + struct.pack(f"<I{len(dims)}qiQ", len(dims), *dims, kind, offset))
        blobs.append(data + bytes(-len(data) % ALIGN))
        offset += len(blobs[-1])
    head = b"".join(out)
    with open(path, "wb") as f:
        f.write(head + bytes(-len(head) % ALIGN))
        f.writelines(blobs)


class Reader:
    def __init__(self, path):
        self.data, self.at = open(path, "rb").read(), 4
        assert self.data[:4] == b"GGUF" and self._take("I") == 3
        n_tensors, n_keys = self._take("q"), self._take("q")
        self.metadata = {}
        for _ in range(n_keys):
            key = self._text()
            self.metadata[key] = self._read(self._take("i"))
        infos = []
        for _ in range(n_tensors):
            name = self._text()
            dims = [self._take("q") for _ in range(self._take("I"))]
            infos.append((name, dims[::-1], self._take("i"), self._take("Q")))
        start = -(-self.at // ALIGN) * ALIGN
        self.tensors = {name: self._tensor(shape, kind, start + offset) for name, shape, kind, offset in infos}

    def _take(self, form):
        (v,) = struct.unpack_from("<" + form, self.data, self.at)
        self.at += struct.calcsize("<" + form)
        return v

    def _text(self):
        n = self._take("Q")
        self.at += n
        return self.data[self.at - n : self.at].decode()

    def _read(self, kind):
        if kind == STRING:
            return self._text()
        if kind == ARRAY:
            element, count = self._take("i"), self._take("Q")
            return [self._read(element) for _ in range(count)]
        return self._take({U32: "I", I32: "i", FLOAT: "f", BOOL: "?"}[kind])

    def _tensor(self, shape, kind, at):
        count = int(np.prod(shape))
        if kind == Q8_0:
            return dequantise(self.data[at : at + count // 32 * 34], shape)
        return np.frombuffer(self.data, "<f4", count, at).reshape(shape)
