#include "core/crypto/pkcs7.h"

#include <mbedtls/asn1.h>

#include <array>
#include <optional>

namespace godwit::crypto {
namespace {

constexpr std::size_t kCertificatesMax = 8;  // ISK-05
constexpr int kSequence = MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE;
constexpr int kSet = MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SET;
constexpr int kZero = MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_CONTEXT_SPECIFIC;  // [0]

// One element off the front.
struct Element {
  Bytes whole;
  Bytes content;
};
std::optional<Element> take(Bytes& der, int tag) {
  // The library does not write through it.
  auto* p = const_cast<unsigned char*>(der.data());
  const unsigned char* end = p + der.size();
  std::size_t size = 0;
  if (der.empty() || mbedtls_asn1_get_tag(&p, end, &size, tag) != 0) return std::nullopt;
  const auto header = static_cast<std::size_t>(p - der.data());
  const Element element{der.first(header + size), der.subspan(header, size)};
  der = der.subspan(header + size);
  return element;
}

}  // namespace

std::vector<Bytes> certificates_of_pkcs7(Bytes der) {
  constexpr std::array<std::uint8_t, 9> kSignedData = {0x2a, 0x86, 0x48, 0x86, 0xf7,
                                                       0x0d, 0x01, 0x07, 0x02};
  auto info = take(der, kSequence);
  if (!info) return {};
  const auto type = take(info->content, MBEDTLS_ASN1_OID);
  if (!type || !equal(type->content, kSignedData)) return {};
  auto wrapped = take(info->content, kZero);
  if (!wrapped) return {};
  auto data = take(wrapped->content, kSequence);
  if (!data || !take(data->content, MBEDTLS_ASN1_INTEGER) || !take(data->content, kSet) ||
      !take(data->content, kSequence)) {
    return {};
  }
  auto list = take(data->content, kZero);
  std::vector<Bytes> found;
  while (list && found.size() < kCertificatesMax) {
    const auto one = take(list->content, kSequence);
    if (!one) break;
    found.push_back(one->whole);
  }
  return found;
}

}  // namespace godwit::crypto
