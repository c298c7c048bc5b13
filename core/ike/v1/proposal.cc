#include "core/ike/v1/proposal.h"

#include <algorithm>
#include <array>

namespace godwit::ike::v1 {
namespace {

using crypto::EspCipher;
using crypto::EspSuite;
using crypto::HashAlg;
using crypto::IkeSuite;

constexpr std::uint16_t id(Phase1Attr attr) { return static_cast<std::uint16_t>(attr); }
constexpr std::uint16_t id(Phase2Attr attr) { return static_cast<std::uint16_t>(attr); }

std::uint16_t phase1_hash_number(HashAlg alg) {
  switch (alg) {
    case HashAlg::kMd5:
      return 1;
    case HashAlg::kSha1:
      return 2;
    case HashAlg::kSha256:
      return 4;
    case HashAlg::kSha384:
      return 5;
    case HashAlg::kSha512:
      return 6;
  }
  return 0;
}

std::uint16_t phase2_auth_number(HashAlg alg) {
  switch (alg) {
    case HashAlg::kMd5:
      return 1;
    case HashAlg::kSha1:
      return 2;
    case HashAlg::kSha256:
      return 5;
    case HashAlg::kSha384:
      return 6;
    case HashAlg::kSha512:
      return 7;
  }
  return 0;
}

// The short form where it fits, as every implementation writes it.
void add_number(std::vector<Attribute>& list, std::uint16_t type, std::uint64_t value) {
  list.push_back(value <= 0xffff ? Attribute::number16(type, static_cast<std::uint16_t>(value))
                                 : Attribute::number32(type, static_cast<std::uint32_t>(value)));
}

void add_lifetime(std::vector<Attribute>& list, std::uint16_t type_attr,
                  std::uint16_t duration_attr, Duration lifetime) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(lifetime).count();
  list.push_back(Attribute::number16(type_attr, kLifeSeconds));
  add_number(list, duration_attr, static_cast<std::uint64_t>(seconds));
}

std::vector<Attribute> attributes_of(const IkeSuite& suite, std::uint16_t auth_method) {
  const bool triple_des = suite.cipher.alg == crypto::IkeCipher::Alg::k3des;
  std::vector<Attribute> list;
  list.push_back(
      Attribute::number16(id(Phase1Attr::kEncryption), triple_des ? kEnc3des : kEncAesCbc));
  // RFC 2409 appendix A: a key length never goes with a cipher that has only one (IKE1-05).
  if (!triple_des) {
    list.push_back(Attribute::number16(id(Phase1Attr::kKeyLength), suite.cipher.key_bits));
  }
  list.push_back(Attribute::number16(id(Phase1Attr::kHash), phase1_hash_number(suite.hash)));
  list.push_back(Attribute::number16(id(Phase1Attr::kAuth), auth_method));
  list.push_back(
      Attribute::number16(id(Phase1Attr::kGroup), static_cast<std::uint16_t>(suite.group)));
  return list;
}

std::vector<Attribute> attributes_of(const EspSuite& suite, const Phase2Offer& offer) {
  std::vector<Attribute> list;
  if (suite.cipher != EspCipher::k3desCbc) {
    list.push_back(Attribute::number16(id(Phase2Attr::kKeyLength), suite.key_bits));
  }
  // RFC 2407 4.5: an authentication algorithm goes with CBC and never with AEAD (QM-11).
  if (suite.integrity) {
    list.push_back(
        Attribute::number16(id(Phase2Attr::kAuth), phase2_auth_number(*suite.integrity)));
  }
  if (offer.pfs) {
    list.push_back(
        Attribute::number16(id(Phase2Attr::kGroup), static_cast<std::uint16_t>(*offer.pfs)));
  }
  list.push_back(Attribute::number16(id(Phase2Attr::kEncapsulation), offer.encapsulation));
  return list;
}

std::uint8_t transform_id(const EspSuite& suite) {
  switch (suite.cipher) {
    case EspCipher::kAesGcm16:
      return kEspAesGcm16;
    case EspCipher::k3desCbc:
      return kEsp3des;
    case EspCipher::kAesCbc:
      break;
  }
  return kEspAesCbc;
}

bool is_lifetime(std::uint16_t type, std::uint16_t type_attr, std::uint16_t duration_attr) {
  return type == type_attr || type == duration_attr;
}

// True when the list holds each attribute of `expected` exactly once and otherwise lifetimes only.
// Encodings may differ (RFC 2409 appendix A), order too.
bool same_attributes(const std::vector<Attribute>& list, const std::vector<Attribute>& expected,
                     std::uint16_t type_attr, std::uint16_t duration_attr) {
  std::vector<bool> matched(expected.size());
  for (const Attribute& attribute : list) {
    if (is_lifetime(attribute.type, type_attr, duration_attr)) continue;
    const auto it = std::find_if(expected.begin(), expected.end(), [&](const Attribute& other) {
      return other.type == attribute.type;
    });
    if (it == expected.end() || !attribute.number() || attribute.number() != it->number()) {
      return false;
    }
    // A second copy of one would make up for another that is missing.
    const auto index = static_cast<std::size_t>(it - expected.begin());
    if (matched[index]) return false;
    matched[index] = true;
  }
  return std::find(matched.begin(), matched.end(), false) == matched.end();
}

// QM-08: 1..255 are reserved and 0 never stands on the wire.
std::optional<EspSpi> usable_spi(const ByteVec& octets) {
  if (octets.size() != 4) return std::nullopt;
  const EspSpi spi{load_be<std::uint32_t>(octets)};
  if (spi.value() < 256) return std::nullopt;
  return spi;
}

std::optional<EspSuite> matching_suite(const Transform& transform, const Phase2Offer& offer) {
  for (const EspSuite& suite : offer.suites) {
    if (transform.id == transform_id(suite) &&
        same_attributes(transform.attributes, attributes_of(suite, offer),
                        id(Phase2Attr::kLifeType), id(Phase2Attr::kLifeDuration))) {
      return suite;
    }
  }
  return std::nullopt;
}

Result<Lifetimes, Refusal> phase2_lifetimes(const Transform& transform) {
  return lifetimes_of(transform.attributes, id(Phase2Attr::kLifeType),
                      id(Phase2Attr::kLifeDuration));
}

// False: the attribute says something else than an earlier one.
template <class T>
bool set_or_same(std::optional<T>& slot, T value) {
  if (slot) return *slot == value;
  slot = value;
  return true;
}

}  // namespace

Result<Lifetimes, Refusal> lifetimes_of(std::span<const Attribute> attributes,
                                        std::uint16_t type_attr, std::uint16_t duration_attr) {
  Lifetimes out;
  for (std::size_t i = 0; i < attributes.size(); ++i) {
    if (attributes[i].type == duration_attr) return fail(Refusal::kMalformed);  // of what?
    if (attributes[i].type != type_attr) continue;
    const std::optional<std::uint64_t> unit = attributes[i].number();
    if (++i == attributes.size() || attributes[i].type != duration_attr) {
      return fail(Refusal::kMalformed);
    }
    const std::optional<std::uint64_t> value = attributes[i].number();
    if (!value) return fail(Refusal::kMalformed);
    const std::uint64_t count = std::min<std::uint64_t>(*value, 0x7fff'ffff);
    const bool known = unit == kLifeSeconds || unit == kLifeKilobytes;
    const bool agrees = unit == kLifeSeconds
                            ? set_or_same(out.time, Duration(std::chrono::seconds(count)))
                            : set_or_same(out.kilobytes, count);
    if (!known || !agrees) return fail(Refusal::kMalformed);
  }
  return out;
}

Duration bounded_time(std::optional<Duration> answered, Duration offered) {
  return std::max(std::min(answered.value_or(offered), offered), std::min(kLifetimeMin, offered));
}

std::uint64_t bounded_kilobytes(std::optional<std::uint64_t> answered, std::uint64_t offered) {
  if (!answered) return offered;
  if (offered == 0) return std::max(*answered, kKilobytesMin);
  return std::max(std::min(*answered, offered), std::min(kKilobytesMin, offered));
}

SaPayload offer_phase1(std::span<const IkeSuite> suites, std::uint16_t auth_method,
                       Duration lifetime) {
  SaPayload sa;
  Proposal& proposal = sa.proposals.emplace_back();
  for (const IkeSuite& suite : suites) {
    Transform& transform = proposal.transforms.emplace_back();
    transform.number = static_cast<std::uint8_t>(proposal.transforms.size());
    transform.id = kTransformKeyIke;
    transform.attributes = attributes_of(suite, auth_method);
    add_lifetime(transform.attributes, id(Phase1Attr::kLifeType), id(Phase1Attr::kLifeDuration),
                 lifetime);
  }
  return sa;
}

Result<Phase1Choice, Refusal> match_phase1(const SaPayload& answer,
                                           std::span<const IkeSuite> suites,
                                           std::uint16_t auth_method, Duration lifetime) {
  if (answer.proposals.size() != 1 || answer.proposals[0].transforms.size() != 1 ||
      answer.proposals[0].protocol != Protocol::kIsakmp) {
    return fail(Refusal::kMalformed);
  }
  const Transform& transform = answer.proposals[0].transforms[0];
  if (transform.id != kTransformKeyIke) return fail(Refusal::kNotOffered);
  for (const IkeSuite& suite : suites) {
    if (!same_attributes(transform.attributes, attributes_of(suite, auth_method),
                         id(Phase1Attr::kLifeType), id(Phase1Attr::kLifeDuration))) {
      continue;
    }
    const auto answered = lifetimes_of(transform.attributes, id(Phase1Attr::kLifeType),
                                       id(Phase1Attr::kLifeDuration));
    if (!answered) return fail(answered.error());
    return Phase1Choice{suite, bounded_time(answered->time, lifetime),
                        bounded_kilobytes(answered->kilobytes, 0)};
  }
  return fail(Refusal::kNotOffered);
}

SaPayload offer_phase2(const Phase2Offer& offer) {
  // One proposal with every transform of ESP: the widest understood form of "any of these".
  SaPayload sa;
  Proposal& proposal = sa.proposals.emplace_back();
  proposal.protocol = Protocol::kEsp;
  proposal.spi.resize(4);
  store_be(proposal.spi, offer.spi.value());
  for (const EspSuite& suite : offer.suites) {
    Transform& transform = proposal.transforms.emplace_back();
    transform.number = static_cast<std::uint8_t>(proposal.transforms.size());
    transform.id = transform_id(suite);
    transform.attributes = attributes_of(suite, offer);
    add_lifetime(transform.attributes, id(Phase2Attr::kLifeType), id(Phase2Attr::kLifeDuration),
                 offer.lifetime);
    if (offer.kilobytes == 0) continue;
    transform.attributes.push_back(Attribute::number16(id(Phase2Attr::kLifeType), kLifeKilobytes));
    add_number(transform.attributes, id(Phase2Attr::kLifeDuration), offer.kilobytes);
  }
  return sa;
}

Result<Phase2Choice, Refusal> match_phase2(const SaPayload& answer, const Phase2Offer& offer) {
  if (answer.proposals.size() != 1 || answer.proposals[0].transforms.size() != 1 ||
      answer.proposals[0].protocol != Protocol::kEsp) {
    return fail(Refusal::kMalformed);
  }
  const Proposal& proposal = answer.proposals[0];
  const std::optional<EspSpi> spi = usable_spi(proposal.spi);
  // Our own SPI echoed would make both directions share a name, and a confused peer never worked.
  // RFC 4303 2.1: an SPI names one SA of its receiver, so a new SA cannot have the old one's.
  if (!spi || *spi == offer.spi || spi == offer.replaced) return fail(Refusal::kMalformed);
  const std::optional<EspSuite> suite = matching_suite(proposal.transforms[0], offer);
  if (!suite) return fail(Refusal::kNotOffered);
  const auto lives = phase2_lifetimes(proposal.transforms[0]);
  if (!lives) return fail(lives.error());
  return Phase2Choice{*spi, *suite, bounded_time(lives->time, offer.lifetime),
                      bounded_kilobytes(lives->kilobytes, offer.kilobytes)};
}

Result<Phase2Acceptance, Refusal> accept_phase2(const SaPayload& proposed,
                                                const Phase2Offer& policy) {
  for (std::size_t i = 0; i < proposed.proposals.size(); ++i) {
    const Proposal& proposal = proposed.proposals[i];
    if (proposal.protocol != Protocol::kEsp) continue;
    // Proposals that share a number are one bundle (RFC 2408 4.2): AH or IPComp with ESP.
    const bool bundled = std::any_of(
        proposed.proposals.begin(), proposed.proposals.end(), [&](const Proposal& other) {
          return &other != &proposal && other.number == proposal.number &&
                 other.protocol != Protocol::kEsp;
        });
    const std::optional<EspSpi> spi = usable_spi(proposal.spi);
    if (bundled || !spi || spi == policy.replaced) continue;
    for (const Transform& transform : proposal.transforms) {
      const std::optional<EspSuite> suite = matching_suite(transform, policy);
      const auto lives = phase2_lifetimes(transform);
      if (!suite || !lives) continue;
      // RFC 2409 5: the chosen transform goes back as it came, with our SPI.
      Proposal answer{proposal.number, Protocol::kEsp, ByteVec(4), {transform}};
      store_be(answer.spi, policy.spi.value());
      return Phase2Acceptance{{*spi, *suite, bounded_time(lives->time, policy.lifetime),
                               bounded_kilobytes(lives->kilobytes, policy.kilobytes)},
                              SaPayload{.proposals = {std::move(answer)}}};
    }
  }
  return fail(Refusal::kNotOffered);
}

std::uint16_t encapsulation_mode(Natt natt, bool transport) {
  if (natt == Natt::kNone) return kEncapTunnel;
  if (natt == Natt::kRfc3947) return transport ? kEncapUdpTransport : kEncapUdpTunnel;
  return transport ? kEncapUdpTransportDraft : kEncapUdpTunnelDraft;
}

}  // namespace godwit::ike::v1
