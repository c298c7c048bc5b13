"""A certificate authority for one lab, made by openssl in the lab's folder."""

import hashlib
import os
import subprocess

import gateway

CONFIGURATION = """[ca]
default_ca = lab
[lab]
database = {folder}/index.txt
serial = {folder}/serial
new_certs_dir = {folder}
default_md = sha256
policy = any
crlnumber = {folder}/crlnumber
[any]
commonName = supplied
organizationName = optional
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[peer]
basicConstraints = critical, CA:FALSE
keyUsage = critical, {usage}
subjectAltName = {names}
"""
KEYS = {"rsa": ["rsa:2048"], "p256": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
        "p384": ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
        "p521": ["ec", "-pkeyopt", "ec_paramgen_curve:P-521"]}


class Authority:
    def __init__(self, folder, name="Lab CA", key="rsa"):
        self.folder = folder
        os.makedirs(folder)
        for file, text in (("index.txt", ""), ("serial", "1000\n"), ("crlnumber", "01\n")):
            with open(os.path.join(folder, file), "w", encoding="ascii") as out:
                out.write(text)
        self._configure("digitalSignature", "DNS:unused.example")
        self._openssl("req", "-x509", "-newkey", *KEYS[key], "-nodes",
                      "-keyout", self.path("ca.key"), "-out", self.path("ca.pem"),
                      "-subj", f"/O=Lab/CN={name}", "-days", "30", "-config",
                      self.path("ca.cnf"), "-extensions", "authority")
        self.pem = self.read("ca.pem")

    def path(self, name):
        return os.path.join(self.folder, name)

    def read(self, name):
        with open(self.path(name), encoding="ascii") as file:
            return file.read()

    def _configure(self, usage, names):
        with open(self.path("ca.cnf"), "w", encoding="ascii") as out:
            out.write(CONFIGURATION.format(folder=self.folder, usage=usage, names=names)
                      + "[req]\ndistinguished_name = dn\nprompt = no\n[dn]\nCN = unused\n")

    @staticmethod
    def _openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True)

    def issue(self, name, names, key="rsa", usage="digitalSignature", dates=(), passphrase=None):
        """Makes name.pem and name.key; returns their texts. `dates`: options of openssl ca."""
        self._configure(usage, names)
        self._openssl("req", "-newkey", *KEYS[key], "-nodes", "-keyout", self.path(f"{name}.key"),
                      "-out", self.path(f"{name}.csr"), "-subj", f"/O=Lab/CN={name}",
                      "-config", self.path("ca.cnf"))
        self._openssl("ca", "-batch", "-config", self.path("ca.cnf"), "-cert", self.path("ca.pem"),
                      "-keyfile", self.path("ca.key"), "-in", self.path(f"{name}.csr"), "-out",
                      self.path(f"{name}.pem"), "-extensions", "peer", "-notext",
                      *(dates or ("-days", "30")))
        if passphrase:
            self._openssl("rsa", "-aes256", "-passout", f"pass:{passphrase}", "-traditional", "-in",
                          self.path(f"{name}.key"), "-out", self.path(f"{name}.locked.key"))
            return self.read(f"{name}.pem"), self.read(f"{name}.locked.key")
        return self.read(f"{name}.pem"), self.read(f"{name}.key")

    def lock(self, name, passphrase):
        """name.key under a passphrase; returns its text."""
        self._openssl("pkcs8", "-topk8", "-v2", "aes256", "-passout", f"pass:{passphrase}", "-in",
                      self.path(f"{name}.key"), "-out", self.path(f"{name}.locked.key"))
        return self.read(f"{name}.locked.key")

    def pkcs12(self, name, passphrase, *options):
        """name.pem, name.key and the authority in one file; returns its path."""
        path = self.path(f"{name}.p12")
        self._openssl("pkcs12", "-export", "-in", self.path(f"{name}.pem"), "-inkey",
                      self.path(f"{name}.key"), "-certfile", self.path("ca.pem"), "-passout",
                      f"pass:{passphrase}", "-out", path, *options)
        return path

    def revoke(self, name):
        self._openssl("ca", "-batch", "-config", self.path("ca.cnf"), "-cert", self.path("ca.pem"),
                      "-keyfile", self.path("ca.key"), "-revoke", self.path(f"{name}.pem"))

    def revocation_list(self):
        self._openssl("ca", "-gencrl", "-config", self.path("ca.cnf"), "-cert", self.path("ca.pem"),
                      "-keyfile", self.path("ca.key"), "-crldays", "7", "-out",
                      self.path("ca.crl"))
        return self.read("ca.crl")

    def gateway_files(self, names=f"DNS:{gateway.GATEWAY_ID}, IP:203.0.113.2", **options):
        """What a gateway of this authority has in its swanctl folder."""
        certificate, key = self.issue("gateway", names, **options)
        kind = "rsa" if "RSA" in key or "BEGIN PRIVATE" in key else "ecdsa"
        return {"x509ca/ca.pem": self.pem, "x509/gateway.pem": certificate,
                f"private/gateway.{kind}.pem": key}


def self_signed(folder, names=()):
    """What a gateway has that nobody vouches for, with no name unless some are given."""
    os.makedirs(folder)
    certificate, key = os.path.join(folder, "gateway.pem"), os.path.join(folder, "gateway.key")
    extensions = ["-addext", f"subjectAltName={','.join(names)}"] if names else []
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key,
                    "-out", certificate, "-subj", "/O=Lab/CN=gateway", "-days", "30", *extensions],
                   check=True, capture_output=True)
    files = {}
    for name, path in (("x509/gateway.pem", certificate), ("private/gateway.rsa.pem", key)):
        with open(path, encoding="ascii") as file:
            files[name] = file.read()
    return files


def pin(pem):
    """The pin of a certificate's key, as a profile has it, made by openssl."""
    public = subprocess.run(["openssl", "x509", "-pubkey", "-noout"], input=pem.encode(),
                            check=True, capture_output=True).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=public,
                         check=True, capture_output=True).stdout
    return "sha256:" + hashlib.sha256(der).hexdigest()
