"""Signing with a private key: by OpenSSL's library where there is one, else by dkimpy.

dkimpy computes RSA in Python: some fifteen milliseconds a signature, in which the event loop
stands still. The same library that Python's `ssl` stands on takes one.
"""

import ctypes
import ctypes.util
import hashlib
import sys
from collections.abc import Callable

Sign = Callable[[bytes], bytes]
_RSA, _ED25519 = 6, 1087
_Pointer = ctypes.c_void_p


def signer_of(pem: bytes) -> tuple[str, Sign]:
    """Return the algorithm's name in DKIM (rsa-sha256, ed25519-sha256) and what signs.

    Raises ValueError when the key cannot be used.
    """
    library = _library()
    if library is not None:
        return _by_openssl(library, pem)
    return "rsa-sha256", _by_dkimpy(pem)


def _by_dkimpy(pem: bytes) -> Sign:
    from dkim.crypto import (  # type: ignore[import-untyped]
        RSASSA_PKCS1_v1_5_sign,
        UnparsableKeyError,
        parse_pem_private_key,
    )

    try:
        key = parse_pem_private_key(pem)
    except (UnparsableKeyError, ValueError, KeyError, IndexError) as error:
        raise ValueError("it is no RSA key") from error

    def sign(data: bytes) -> bytes:
        signature: bytes = RSASSA_PKCS1_v1_5_sign(hashlib.sha256(data), key)
        return signature

    return sign


def _by_openssl(library: ctypes.CDLL, pem: bytes) -> tuple[str, Sign]:
    bio = library.BIO_new_mem_buf(pem, len(pem))
    # An empty passphrase: an encrypted key must not make OpenSSL ask at the terminal.
    key = library.PEM_read_bio_PrivateKey(bio, None, None, b"")
    library.BIO_free(bio)
    if not key:
        raise ValueError("it cannot be read; a key with a passphrase is of no use here")
    kind = library.EVP_PKEY_get_base_id(key)
    if kind == _RSA:
        sha256 = library.EVP_sha256()
        return "rsa-sha256", lambda data: _signed(library, key, sha256, data)
    if kind == _ED25519:  # RFC 8463: what is signed is the digest
        return "ed25519-sha256", lambda data: _signed(
            library, key, None, hashlib.sha256(data).digest()
        )
    raise ValueError("DKIM knows RSA and Ed25519 keys only")


def _signed(library: ctypes.CDLL, key: int, digest: int | None, data: bytes) -> bytes:
    context = library.EVP_MD_CTX_new()
    try:
        size = ctypes.c_size_t(2048)
        buffer = ctypes.create_string_buffer(size.value)
        if library.EVP_DigestSignInit(context, None, digest, None, key) != 1:
            raise ValueError("OpenSSL cannot sign with this key")
        if library.EVP_DigestSign(context, buffer, ctypes.byref(size), data, len(data)) != 1:
            raise ValueError("OpenSSL cannot sign with this key")
        return buffer.raw[: size.value]
    finally:
        library.EVP_MD_CTX_free(context)


def _library() -> ctypes.CDLL | None:
    if sys.platform != "linux":  # macOS ends a process that loads its own
        return None
    for name in ("libcrypto.so.3", ctypes.util.find_library("crypto")):
        try:
            library = ctypes.CDLL(name) if name else None
            if library is not None:
                return _declared(library)
        except (OSError, AttributeError):
            continue
    return None


def _declared(library: ctypes.CDLL) -> ctypes.CDLL:
    """Say what the functions take and return. Raises AttributeError for another version."""
    size, text, pointer = ctypes.c_size_t, ctypes.c_char_p, _Pointer
    known: dict[str, tuple[object, list[object]]] = {
        "BIO_new_mem_buf": (pointer, [text, ctypes.c_int]),
        "BIO_free": (ctypes.c_int, [pointer]),
        "PEM_read_bio_PrivateKey": (pointer, [pointer, pointer, pointer, text]),
        "EVP_PKEY_get_base_id": (ctypes.c_int, [pointer]),
        "EVP_sha256": (pointer, []),
        "EVP_MD_CTX_new": (pointer, []),
        "EVP_MD_CTX_free": (None, [pointer]),
        "EVP_DigestSignInit": (ctypes.c_int, [pointer, pointer, pointer, pointer, pointer]),
        "EVP_DigestSign": (ctypes.c_int, [pointer, text, ctypes.POINTER(size), text, size]),
    }
    for name, (returns, takes) in known.items():
        function = getattr(library, name)
        function.restype = returns
        function.argtypes = takes
    return library
