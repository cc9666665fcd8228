"""HTTPS of the real binary with a certificate made here."""
import pathlib
import socket
import ssl
import subprocess
import tempfile
import unittest
import warnings

import gateway


class Tls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                        "-keyout", str(cls.folder / "key.pem"), "-out", str(cls.folder / "chain.pem")], check=True, capture_output=True)
        cls.settings = cls.folder / "sluice.yaml"
        cls.settings.write_text(f"server: {{tls_certificate: {cls.folder}/chain.pem, tls_key: {cls.folder}/key.pem}}\n"
                                "engine: {enabled: false}\n")
        cls.server = gateway.Gateway("--config", str(cls.settings))
        cls.addClassCleanup(cls.server.__exit__)
        cls.server.start()

    def open(self, version=None, trusted=True):
        context = ssl.create_default_context(cafile=str(self.folder / "chain.pem") if trusted else None)
        context.set_ciphers("ALL:@SECLEVEL=0")  # so that it is the server who refuses
        if version:
            context.minimum_version = context.maximum_version = version
        with context.wrap_socket(self.server.connect(), server_hostname="127.0.0.1") as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            answer = b""
            while piece := connection.recv(65536):
                answer += piece
            return connection.version() or "", answer

    def test_https_is_spoken_and_said(self):
        self.assertTrue(self.server.url.startswith("https://127.0.0.1:"))
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3, None):
            self.assertIn(b" 200 ", self.open(version)[1].splitlines()[0])

    def test_older_versions_are_refused(self):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # Python's own opinion of these versions
            for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
                with self.assertRaisesRegex(ssl.SSLError, "PROTOCOL_VERSION"):
                    self.open(version)

    def test_a_stranger_does_not_trust_it(self):
        with self.assertRaises(ssl.SSLCertVerificationError):
            self.open(trusted=False)

    def test_plain_http_on_the_port_gets_nothing_and_harms_nobody(self):
        for noise in (b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"\xff" * 70000, b"\x00" * 100):
            with self.server.connect() as connection:
                try:
                    connection.sendall(noise)
                    connection.shutdown(socket.SHUT_WR)
                    self.assertNotIn(b"HTTP/1.1", connection.recv(65536))
                except OSError:  # reset while it was still being sent
                    pass
        self.assertIn(b" 200 ", self.open()[1])

    def test_a_certificate_and_a_key_that_do_not_fit_stop_the_start(self):
        subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", str(self.folder / "other.pem")],
                       check=True, capture_output=True)
        file = self.folder / "wrong.yaml"
        file.write_text(f"server: {{tls_certificate: {self.folder}/chain.pem, tls_key: {self.folder}/other.pem}}\n")
        code, _, error = gateway.run("serve", "--config", str(file), "--listen", "127.0.0.1:0", "--data", str(self.folder / "data"))
        self.assertEqual(code, 2, error)
        self.assertIn("server.tls", error)


if __name__ == "__main__":
    unittest.main()
