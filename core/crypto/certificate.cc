#include "core/crypto/certificate.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "core/base/check.h"
#include "core/crypto/hash.h"
#include "core/crypto/x509_owned.h"

namespace godwit::crypto {
namespace {

constexpr int kSanDnsName = 0x82;  // RFC 5280 4.2.1.6, as mbedTLS keeps the tags
constexpr int kSanMail = 0x81;
constexpr int kSanAddress = 0x87;
constexpr std::size_t kChainMax = 8;  // RFC 4945 3.3.10; ISK-05

// SHA-2, RSA of 2048 bits, the three curves of IKE.
constexpr std::uint32_t flag(unsigned id) { return 1u << (id - 1); }
constexpr mbedtls_x509_crt_profile kProfile = {
    flag(MBEDTLS_MD_SHA256) | flag(MBEDTLS_MD_SHA384) | flag(MBEDTLS_MD_SHA512),
    0xfffffff,  // RSA and EC
    flag(MBEDTLS_ECP_DP_SECP256R1) | flag(MBEDTLS_ECP_DP_SECP384R1) |
        flag(MBEDTLS_ECP_DP_SECP521R1),
    2048,
};

std::int64_t seconds(const mbedtls_x509_time& t) {
  using namespace std::chrono;
  const sys_days day = year(t.year) / month(static_cast<unsigned>(t.mon)) /
                       std::chrono::day(static_cast<unsigned>(t.day));
  return std::chrono::seconds(day.time_since_epoch()).count() + t.hour * 3600 + t.min * 60 + t.sec;
}

// Whether it says where its issuer publishes revocation lists (cRLDistributionPoints, RFC 5280
// 4.2.1.13).
bool names_list(const mbedtls_x509_crt* crt) {
  constexpr std::array<std::uint8_t, 3> kOid = {0x55, 0x1d, 0x1f};
  constexpr int kSequence = MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE;
  unsigned char* p = crt->v3_ext.p;
  if (p == nullptr) return false;
  const unsigned char* end = p + crt->v3_ext.len;
  std::size_t size = 0;
  if (mbedtls_asn1_get_tag(&p, end, &size, kSequence) != 0) return false;
  while (p < end && mbedtls_asn1_get_tag(&p, end, &size, kSequence) == 0) {
    unsigned char* const next = p + size;
    std::size_t oid = 0;
    if (mbedtls_asn1_get_tag(&p, next, &oid, MBEDTLS_ASN1_OID) != 0) return false;
    if (equal(Bytes(p, oid), kOid)) return true;
    p = next;
  }
  return false;
}

// How a path is judged beside the library's own rules.
struct Judge {
  std::int64_t now = 0;
  Revocation revocation = Revocation::kRelaxed;
  const mbedtls_x509_crl* lists = nullptr;
  bool below_anchor = false;  // the library begins with the authority that we trust

  bool wants_list(const mbedtls_x509_crt* crt) const {
    return revocation == Revocation::kStrict ||
           (revocation == Revocation::kIfUri && names_list(crt));
  }
  bool has_list(const mbedtls_x509_crt* crt) const {
    const Bytes issuer(crt->issuer_raw.p, crt->issuer_raw.len);
    for (const mbedtls_x509_crl* list = lists; list != nullptr; list = list->next) {
      if (equal(Bytes(list->issuer_raw.p, list->issuer_raw.len), issuer)) return true;
    }
    return false;
  }
};

// The library judges time by the system's clock; its verdict is replaced by one for `now`. (When
// something was revoked it does not ask: RFC 5280 6.3.3, what a list names is revoked.)
int judge_one(void* how, mbedtls_x509_crt* crt, int /*depth*/, std::uint32_t* flags) {
  *flags &= ~static_cast<std::uint32_t>(MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE |
                                        MBEDTLS_X509_BADCRL_EXPIRED | MBEDTLS_X509_BADCRL_FUTURE);
  Judge& judge = *static_cast<Judge*>(how);
  if (seconds(crt->valid_to) < judge.now) *flags |= MBEDTLS_X509_BADCERT_EXPIRED;
  if (seconds(crt->valid_from) > judge.now) *flags |= MBEDTLS_X509_BADCERT_FUTURE;
  // The library has verified the signature of a list that is there.
  if (judge.below_anchor && judge.wants_list(crt) && !judge.has_list(crt)) {
    *flags |= MBEDTLS_X509_BADCERT_OTHER;
  }
  judge.below_anchor = true;
  return 0;
}

std::optional<CertificateFault> fault_of(std::uint32_t flags) {
  constexpr std::uint32_t kWeak = MBEDTLS_X509_BADCERT_BAD_MD | MBEDTLS_X509_BADCERT_BAD_PK |
                                  MBEDTLS_X509_BADCERT_BAD_KEY | MBEDTLS_X509_BADCRL_BAD_MD |
                                  MBEDTLS_X509_BADCRL_BAD_PK | MBEDTLS_X509_BADCRL_BAD_KEY;
  if ((flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED) != 0) return CertificateFault::kUntrusted;
  if ((flags & MBEDTLS_X509_BADCERT_REVOKED) != 0) return CertificateFault::kRevoked;
  if ((flags & MBEDTLS_X509_BADCERT_EXPIRED) != 0) return CertificateFault::kExpired;
  if ((flags & MBEDTLS_X509_BADCERT_FUTURE) != 0) return CertificateFault::kNotYetValid;
  if ((flags & kWeak) != 0) return CertificateFault::kWeak;
  if (flags == MBEDTLS_X509_BADCERT_OTHER) return CertificateFault::kListMissing;
  if (flags != 0) return CertificateFault::kUntrusted;
  return std::nullopt;
}

// SubjectPublicKeyInfo, as it stands in the certificate.
KeyPin pin_of(const mbedtls_x509_crt* crt) {
  const Digest digest = hash(HashAlg::kSha256, {Bytes(crt->pk_raw.p, crt->pk_raw.len)});
  KeyPin pin{};
  std::ranges::copy(digest.bytes(), pin.begin());
  return pin;
}

// A key that is known needs nobody's word, but it does not live longer than its certificate.
std::optional<CertificateFault> judge_alone(mbedtls_x509_crt* peer, std::int64_t now) {
  Judge judge{.now = now};
  std::uint32_t flags = 0;
  judge_one(&judge, peer, 0, &flags);
  return fault_of(flags);
}

std::optional<CertificateFault> judge_path(mbedtls_x509_crt* peer, const Trust& trust,
                                           std::int64_t now) {
  Crt authorities;
  for (const ByteVec& der : trust.authorities) {
    mbedtls_x509_crt_parse_der(authorities.get(), der.data(), der.size());
  }
  Crl lists;
  if (trust.revocation != Revocation::kOff) {
    for (const ByteVec& der : trust.revocation_lists) {
      mbedtls_x509_crl_parse_der(lists.get(), der.data(), der.size());
    }
  }
  for (const mbedtls_x509_crl* list = lists.get(); list != nullptr; list = list->next) {
    if (list->raw.len != 0 && list->next_update.year != 0 && seconds(list->next_update) < now) {
      return CertificateFault::kListExpired;
    }
  }
  Judge judge{.now = now, .revocation = trust.revocation, .lists = lists.get()};
  std::uint32_t flags = 0;
  const int failed = mbedtls_x509_crt_verify_with_profile(
      peer, authorities.get(), lists.get(), &kProfile, nullptr, &flags, judge_one, &judge);
  if (failed != 0 && flags == 0) return CertificateFault::kMalformed;
  return fault_of(flags);
}

bool may_sign(const mbedtls_x509_crt* crt) {
  return mbedtls_x509_crt_check_key_usage(crt, MBEDTLS_X509_KU_DIGITAL_SIGNATURE) == 0 ||
         mbedtls_x509_crt_check_key_usage(crt, MBEDTLS_X509_KU_NON_REPUDIATION) == 0;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool same_text(std::string_view a, const mbedtls_x509_buf& b) {
  const std::string_view other(reinterpret_cast<const char*>(b.p), b.len);
  return std::ranges::equal(a, other, {}, lower, lower);
}

ByteVec with_nul(Bytes text) {
  ByteVec out = to_vec(text);
  out.push_back(0);
  return out;
}

bool holds(mbedtls_pk_context* key, SignatureMethod method, Bytes hash, Bytes signature) {
  if (method_of(key) != method) return false;
  if (method == SignatureMethod::kRsa) {
    mbedtls_rsa_context* rsa = mbedtls_pk_rsa(*key);
    if (signature.size() != mbedtls_rsa_get_len(rsa)) return false;
    const auto size = static_cast<unsigned>(hash.size());
#if MBEDTLS_VERSION_MAJOR >= 3
    return mbedtls_rsa_pkcs1_verify(rsa, MBEDTLS_MD_NONE, size, hash.data(), signature.data()) == 0;
#else
    return mbedtls_rsa_pkcs1_verify(rsa, nullptr, nullptr, MBEDTLS_RSA_PUBLIC, MBEDTLS_MD_NONE,
                                    size, hash.data(), signature.data()) == 0;
#endif
  }
  mbedtls_ecp_keypair* pair = mbedtls_pk_ec(*key);
  const std::size_t half = (pair->MBEDTLS_PRIVATE(grp).nbits + 7) / 8;
  if (signature.size() != 2 * half) return false;
  Mpi r;
  Mpi s;
  return mbedtls_mpi_read_binary(r.get(), signature.data(), half) == 0 &&
         mbedtls_mpi_read_binary(s.get(), signature.data() + half, half) == 0 &&
         mbedtls_ecdsa_verify(&pair->MBEDTLS_PRIVATE(grp), hash.data(), hash.size(),
                              &pair->MBEDTLS_PRIVATE(Q), r.get(), s.get()) == 0;
}

}  // namespace

std::vector<ByteVec> read_certificates(Bytes pem_or_der) {
  Crt crt;
  const bool pem = is_pem(pem_or_der);
  const ByteVec text = pem ? with_nul(pem_or_der) : to_vec(pem_or_der);
  if (mbedtls_x509_crt_parse(crt.get(), text.data(), text.size()) < 0) return {};
  std::vector<ByteVec> out;
  for (const mbedtls_x509_crt* c = crt.get(); c != nullptr && c->raw.len != 0; c = c->next) {
    out.push_back(to_vec(Bytes(c->raw.p, c->raw.len)));
  }
  return out;
}

std::vector<ByteVec> read_revocation_lists(Bytes pem_or_der) {
  Crl crl;
  const bool pem = is_pem(pem_or_der);
  const ByteVec text = pem ? with_nul(pem_or_der) : to_vec(pem_or_der);
  if (mbedtls_x509_crl_parse(crl.get(), text.data(), text.size()) != 0) return {};
  std::vector<ByteVec> out;
  for (const mbedtls_x509_crl* c = crl.get(); c != nullptr && c->raw.len != 0; c = c->next) {
    out.push_back(to_vec(Bytes(c->raw.p, c->raw.len)));
  }
  return out;
}

ByteVec subject_of(Bytes certificate) {
  Crt crt;
  if (mbedtls_x509_crt_parse_der(crt.get(), certificate.data(), certificate.size()) != 0) return {};
  return to_vec(Bytes(crt->subject_raw.p, crt->subject_raw.len));
}

std::string subject_text(Bytes certificate) {
  Crt crt;
  if (mbedtls_x509_crt_parse_der(crt.get(), certificate.data(), certificate.size()) != 0) return {};
  std::array<char, 512> text{};
  const int size = mbedtls_x509_dn_gets(text.data(), text.size(), &crt->subject);
  return size > 0 ? std::string(text.data(), static_cast<std::size_t>(size)) : std::string();
}

std::optional<SignatureMethod> method_of(Bytes certificate) {
  Crt crt;
  if (mbedtls_x509_crt_parse_der(crt.get(), certificate.data(), certificate.size()) != 0) {
    return std::nullopt;
  }
  return method_of(&crt->pk);
}

std::optional<KeyPin> pin_of(Bytes certificate) {
  Crt crt;
  if (mbedtls_x509_crt_parse_der(crt.get(), certificate.data(), certificate.size()) != 0) {
    return std::nullopt;
  }
  return pin_of(crt.get());
}

struct PeerCertificate::Impl {
  Crt chain;  // the peer's own first
};

PeerCertificate::PeerCertificate() : impl_(std::make_unique<Impl>()) {}
PeerCertificate::~PeerCertificate() = default;

Result<std::unique_ptr<PeerCertificate>, CertificateFault> PeerCertificate::verify(
    std::span<const Bytes> chain, const Trust& trust, std::int64_t now) {
  std::unique_ptr<PeerCertificate> out(new PeerCertificate);
  mbedtls_x509_crt* peer = out->impl_->chain.get();
  bool first = true;
  for (const Bytes der : chain.first(std::min(chain.size(), kChainMax))) {
    const bool read = mbedtls_x509_crt_parse_der(peer, der.data(), der.size()) == 0;
    if (first && !read) return fail(CertificateFault::kMalformed);
    first = false;
  }
  if (first) return fail(CertificateFault::kAbsent);
  const bool pinned = std::ranges::find(trust.pins, pin_of(peer)) != trust.pins.end();
  if (!trust.pins.empty() && !pinned) return fail(CertificateFault::kNotPinned);

  const auto fault =
      pinned && trust.authorities.empty() ? judge_alone(peer, now) : judge_path(peer, trust, now);
  if (fault) return fail(*fault);
  if (!may_sign(peer)) return fail(CertificateFault::kWrongUse);
  if (!method_of(&peer->pk)) return fail(CertificateFault::kWeak);
  return out;
}

bool PeerCertificate::has_dns_name(std::string_view name) const {
  const mbedtls_x509_sequence* san = &impl_->chain->subject_alt_names;
  for (; san != nullptr; san = san->next) {
    if (san->buf.tag == kSanDnsName && same_text(name, san->buf)) return true;
  }
  return false;
}

bool PeerCertificate::has_mail_address(std::string_view address) const {
  const mbedtls_x509_sequence* san = &impl_->chain->subject_alt_names;
  for (; san != nullptr; san = san->next) {
    if (san->buf.tag == kSanMail && same_text(address, san->buf)) return true;
  }
  return false;
}

bool PeerCertificate::has_address(Bytes address) const {
  const mbedtls_x509_sequence* san = &impl_->chain->subject_alt_names;
  for (; san != nullptr; san = san->next) {
    if (san->buf.tag == kSanAddress && equal(Bytes(san->buf.p, san->buf.len), address)) return true;
  }
  return false;
}

bool PeerCertificate::has_subject(Bytes der) const {
  const mbedtls_x509_buf& subject = impl_->chain->subject_raw;
  return equal(Bytes(subject.p, subject.len), der);
}

std::string PeerCertificate::subject_text() const {
  return crypto::subject_text(Bytes(impl_->chain->raw.p, impl_->chain->raw.len));
}

bool PeerCertificate::verify_signature(SignatureMethod method, Bytes hash, Bytes signature) const {
  return holds(&impl_->chain->pk, method, hash, signature);
}

std::optional<std::size_t> find_signer(std::span<const Bytes> certificates, SignatureMethod method,
                                       Bytes hash, Bytes signature) {
  for (std::size_t i = 0; i < std::min(certificates.size(), kChainMax); ++i) {
    Crt crt;
    const Bytes der = certificates[i];
    if (mbedtls_x509_crt_parse_der(crt.get(), der.data(), der.size()) != 0) continue;
    if (holds(&crt->pk, method, hash, signature)) return i;
  }
  return std::nullopt;
}

}  // namespace godwit::crypto
