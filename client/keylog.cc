#include "client/keylog.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace godwit::client {
namespace {

using crypto::EspCipher;
using crypto::HashAlg;

std::string hex(Bytes octets) {
  std::string out;
  for (const std::uint8_t octet : octets) out += fmt::format("{:02x}", octet);
  return out;
}

// The names that Wireshark's table of ESP SAs uses.
const char* cipher_name(const crypto::EspSuite& suite) {
  switch (suite.cipher) {
    case EspCipher::kAesGcm16:
      return "AES-GCM with 16 octet ICV [RFC4106]";
    case EspCipher::k3desCbc:
      return "TripleDES-CBC [RFC2451]";
    case EspCipher::kAesCbc:
      break;
  }
  return "AES-CBC [RFC3602]";
}

const char* integrity_name(const crypto::EspSuite& suite) {
  if (!suite.integrity) return "NULL";
  switch (*suite.integrity) {
    case HashAlg::kMd5:
      return "HMAC-MD5-96 [RFC2403]";
    case HashAlg::kSha1:
      return "HMAC-SHA-1-96 [RFC2404]";
    case HashAlg::kSha256:
      return suite.icv96 ? "HMAC-SHA-256-96 [draft-ietf-ipsec-ciph-sha-256-00]"
                         : "HMAC-SHA-256-128 [RFC4868]";
    case HashAlg::kSha384:
      return "HMAC-SHA-384-192 [RFC4868]";
    case HashAlg::kSha512:
      return "HMAC-SHA-512-256 [RFC4868]";
  }
  return "NULL";
}

std::string esp_line(const esp::SaParameters& sa) {
  const Bytes keymat = sa.keymat.expose();
  const std::size_t cipher_size = sa.suite.key_size() + sa.suite.salt_size();
  const Bytes integrity = keymat.subspan(cipher_size);
  return fmt::format("\"IPv4\",\"*\",\"*\",\"0x{:08x}\",\"{}\",\"0x{}\",\"{}\",\"{}\"\n",
                     sa.spi.value(), cipher_name(sa.suite), hex(keymat.first(cipher_size)),
                     integrity_name(sa.suite), integrity.empty() ? "" : "0x" + hex(integrity));
}

}  // namespace

bool KeyLog::append(const char* file, const std::string& line) const {
  const std::string path = folder_ + "/" + file;
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return false;
  const bool whole = ::write(fd, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  ::close(fd);
  return whole;
}

bool KeyLog::add(const session::LogIkeKey& key) {
  return append("ikev1_decryption_table",
                fmt::format("{:016x},{}\n", key.initiator.value(), hex(key.key.expose())));
}

bool KeyLog::add(const session::InstallSa& sas) {
  return append("esp_sa", esp_line(sas.inbound)) && append("esp_sa", esp_line(sas.outbound));
}

}  // namespace godwit::client
