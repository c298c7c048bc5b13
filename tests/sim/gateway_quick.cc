// Quick Mode in both roles (RFC 2409 5.5), tunnel mode, with and without PFS.
//
//    HDR*, HASH(1), SA, Ni [, KE], IDci, IDcr  -->
//                      <--  HDR*, HASH(2), SA, Nr [, KE], IDci, IDcr
//    HDR*, HASH(3)     -->
#include <algorithm>
#include <array>

#include "tests/sim/gateway.h"

namespace godwit::sim {
namespace {

using ike::PayloadType;
using Rest = Gateway::Rest;

std::optional<std::uint64_t> number_of(const ike::Transform& transform, ike::Phase2Attr type) {
  for (const ike::Attribute& attribute : transform.attributes) {
    if (attribute.type == static_cast<std::uint16_t>(type)) return attribute.number();
  }
  return std::nullopt;
}

// RFC 2407 4.5 and RFC 4868 2.6.
std::uint16_t auth_number(crypto::HashAlg alg) {
  switch (alg) {
    case crypto::HashAlg::kMd5:
      return 1;
    case crypto::HashAlg::kSha1:
      return 2;
    case crypto::HashAlg::kSha256:
      return 5;
    case crypto::HashAlg::kSha384:
      return 6;
    case crypto::HashAlg::kSha512:
      return 7;
  }
  return 0;
}

// RFC 2407 4.4.4: 3DES is 3; RFC 3602 5.3, RFC 4106 8.4.
std::uint8_t transform_of(crypto::EspCipher cipher) {
  if (cipher == crypto::EspCipher::k3desCbc) return 3;
  return cipher == crypto::EspCipher::kAesCbc ? 12 : 20;
}

bool offers(const ike::Transform& transform, const crypto::EspSuite& suite) {
  if (transform.id != transform_of(suite.cipher)) return false;
  const auto bits = number_of(transform, ike::Phase2Attr::kKeyLength);
  if (suite.cipher == crypto::EspCipher::k3desCbc ? bits.has_value() : bits != suite.key_bits) {
    return false;
  }
  const auto auth = number_of(transform, ike::Phase2Attr::kAuth);
  if (!suite.integrity) return !auth;  // QM-11: no Auth attribute with an AEAD
  return auth == auth_number(*suite.integrity);
}

Duration lifetime_of(const ike::Transform& transform, Duration fallback) {
  std::optional<std::uint64_t> unit;
  for (const ike::Attribute& attribute : transform.attributes) {
    if (attribute.type == static_cast<std::uint16_t>(ike::Phase2Attr::kLifeType)) {
      unit = attribute.number();
    } else if (attribute.type == static_cast<std::uint16_t>(ike::Phase2Attr::kLifeDuration) &&
               unit == ike::kLifeSeconds && attribute.number()) {
      return std::min<Duration>(
          fallback, std::chrono::seconds(static_cast<std::int64_t>(*attribute.number())));
    }
  }
  return fallback;
}

ByteVec spi_octets(EspSpi spi) {
  ByteVec out(4);
  store_be<std::uint32_t>(out, spi.value());
  return out;
}

const std::array<std::uint8_t, 1> kZero{0};

}  // namespace

EspSpi Gateway::fresh_spi() {
  std::uint32_t spi = 0;
  while (spi < 256) spi = rng_.public_number<std::uint32_t>();
  return EspSpi{spi};
}

// RFC 3947 5.1; the drafts used private numbers.
std::uint16_t Gateway::encapsulation(const Ike& sa) const {
  if (!sa.natt || !sa.encapsulated()) return ike::kEncapTunnel;
  if (config_.l2tp) {
    return *sa.natt == Natt::kRfc3947 ? ike::kEncapUdpTransport : ike::kEncapUdpTransportDraft;
  }
  return *sa.natt == Natt::kRfc3947 ? ike::kEncapUdpTunnel : ike::kEncapUdpTunnelDraft;
}

bool Gateway::acceptable(const Ike& sa, const ike::IdPayload& client,
                         const ike::IdPayload& ours) const {
  if (config_.l2tp) return acceptable_l2tp(client, ours);
  const auto local = client.as_prefix();
  const auto remote = ours.as_prefix();
  if (!local || !remote) return false;
  const bool v6 = local->address().is_v6();
  const auto& lease = v6 ? sa.address6 : sa.address;
  if (v6 != remote->address().is_v6() || (v6 && !lease)) return false;
  if (lease && *local != *Prefix::make(*lease, lease->bits())) return false;
  using Networks = GatewayConfig::Networks;
  if (config_.asked_for == Networks::kOnlyEverything) return remote->is_everything();
  const bool named = std::ranges::find(config_.networks, *remote) != config_.networks.end();
  if (config_.asked_for == Networks::kOnlyNamed) return named;
  if (config_.networks.empty() || remote->is_everything()) return true;
  return std::ranges::any_of(config_.networks,
                             [&](const Prefix& network) { return network.contains(*remote); });
}

bool Gateway::choose_esp(const Ike& sa, const ike::SaPayload& offer, bool has_key, Quick& quick) {
  for (const crypto::EspSuite& suite : config_.esp) {
    for (const ike::Proposal& proposal : offer.proposals) {
      if (proposal.protocol != ike::Protocol::kEsp || proposal.spi.size() != 4) continue;
      for (const ike::Transform& transform : proposal.transforms) {
        if (!offers(transform, suite)) continue;
        if (number_of(transform, ike::Phase2Attr::kEncapsulation) != encapsulation(sa)) continue;
        const auto group = number_of(transform, ike::Phase2Attr::kGroup);
        if (group.has_value() != has_key) continue;
        if (config_.pfs && group != static_cast<std::uint16_t>(*config_.pfs)) continue;
        quick.suite = suite;
        quick.spi_out = EspSpi{load_be<std::uint32_t>(proposal.spi)};
        const bool again = config_.lies.esp_spi_reused && !children_.empty();
        quick.spi_in = again ? children_.back()->in.spi() : fresh_spi();
        quick.proposal = proposal;
        quick.proposal.transforms = {transform};
        quick.proposal.spi = spi_octets(quick.spi_in);
        if (group) {
          const auto dh = crypto::dh_group(static_cast<std::uint16_t>(*group));
          if (!dh) continue;
          quick.dh = generate_key(config_.key_exchange, *dh, rng_);
        }
        return true;
      }
    }
  }
  return false;
}

bool Gateway::on_quick(Ike& sa, const ike::Header& header, Bytes message, Instant now,
                       Outbox& out) {
  if (silent(Step::kQuick)) return false;
  const auto known = sa.quicks.find(header.message_id);
  if (known == sa.quicks.end()) return on_quick1(sa, header, message, now, out);
  Quick& quick = known->second;
  if (quick.installed) return false;
  if (quick.ours) return on_quick2(sa, quick, header, message, now, out);
  return on_quick3(sa, quick, header, message, now);
}

bool Gateway::on_quick1(Ike& sa, const ike::Header& header, Bytes message, Instant now,
                        Outbox& out) {
  const ByteVec iv = phase2_iv(sa.keys.hash, sa.iv, header.message_id);
  const auto opened = open(sa, header, message, iv);
  if (!opened || !hash_holds(sa, *opened, {message_id_octets(header.message_id)})) return false;
  note(true, sa, header, header.first, opened->plain, now);
  const ike::Payloads& payloads = opened->payloads;
  const ike::Payload* sa_payload = payloads.first(PayloadType::kSa);
  const ike::Payload* nonce = payloads.first(PayloadType::kNonce);
  const ike::Payload* ke = payloads.first(PayloadType::kKe);
  std::vector<ike::IdPayload> ids;
  for (const ike::Payload& p : payloads.all()) {
    if (p.type != PayloadType::kId) continue;
    if (const auto id = ike::decode_id(p.body)) ids.push_back(*id);
  }
  if (sa_payload == nullptr || nonce == nullptr || ids.size() != 2) return false;
  const auto offer = ike::decode_sa(sa_payload->body);
  const auto refuse = [&](ike::Notify type) {
    ike::NotifyPayload notify;
    notify.protocol = ike::Protocol::kEsp;
    notify.type = type;
    if (config_.error_spi && offer && !offer->proposals.empty()) {
      notify.spi = offer->proposals.front().spi;
    }
    inform(sa, PayloadType::kNotify, ike::encode_notify(notify), now, out);
    return true;
  };
  if (config_.refuse_quick) return refuse(*config_.refuse_quick);
  if (!acceptable(sa, ids[0], ids[1])) return refuse(ike::Notify::kInvalidIdInformation);
  Quick quick;
  if (!offer || !choose_esp(sa, *offer, ke != nullptr, quick)) {
    return refuse(ike::Notify::kNoProposalChosen);
  }
  if (ke != nullptr) {
    auto g_xy = shared_secret(config_.key_exchange, *quick.dh, ke->body);
    if (!g_xy) return refuse(ike::Notify::kInvalidKeyInformation);
    quick.g_xy = std::move(*g_xy);
  }
  quick.nonce_i = to_vec(nonce->body);
  quick.id_i = ids[0];
  quick.id_r = ids[1];
  if (config_.narrows && ids[1].as_prefix()->is_everything()) {
    const bool v6 = ids[1].as_prefix()->address().is_v6();
    const auto network = std::ranges::find_if(
        config_.networks, [v6](const Prefix& n) { return n.address().is_v6() == v6; });
    if (network != config_.networks.end()) quick.id_r = ike::IdPayload::subnet(*network);
  }
  quick.iv = opened->next_iv;
  if (config_.l2tp) quick.transport = l2tp_flow(sa);
  Quick& kept = sa.quicks.insert_or_assign(header.message_id, std::move(quick)).first->second;
  answer_quick(sa, kept, header.message_id, now, out);
  return true;
}

void Gateway::answer_quick(Ike& sa, Quick& quick, MessageId id, Instant now, Outbox& out) {
  const Lies& lies = config_.lies;
  quick.nonce_r.resize(lies.short_nonce ? 7 : config_.nonce_size);
  rng_.fill_public(quick.nonce_r);
  ike::SaPayload answer;
  answer.proposals = {quick.proposal};
  if (lies.esp_spi_zero) answer.proposals[0].spi = spi_octets(EspSpi{});
  if (lies.esp_spi_echoed) answer.proposals[0].spi = spi_octets(quick.spi_out);
  if (lies.esp_other_suite) {
    std::uint8_t& transform = answer.proposals[0].transforms[0].id;
    transform = transform == 3 ? 12 : 3;  // 3DES, or AES for whom 3DES was agreed on
  }
  Rest rest = {{PayloadType::kSa, ike::encode_sa(answer)}, {PayloadType::kNonce, quick.nonce_r}};
  if (quick.dh && !lies.no_pfs_key) rest.emplace_back(PayloadType::kKe, quick.dh->public_value);
  ike::IdPayload shown = quick.id_i;
  if (lies.esp_other_ids) shown = ike::IdPayload::address(IpAddress::v4(0x0808'0808));
  if (quick.transport) {
    add_l2tp_ends(sa, quick, rest);
  } else {
    rest.emplace_back(PayloadType::kId, ike::encode_id(shown));
    rest.emplace_back(PayloadType::kId, ike::encode_id(quick.id_r));
  }
  if (config_.responder_lifetime || lies.lifetime_zero) {
    // RFC 2407 4.6.3.1
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(config_.esp_lifetime);
    ike::NotifyPayload notify;
    notify.protocol = ike::Protocol::kEsp;
    notify.type = ike::Notify::kResponderLifetime;
    notify.spi = spi_octets(quick.spi_in);
    constexpr auto kType = static_cast<std::uint16_t>(ike::Phase2Attr::kLifeType);
    constexpr auto kDuration = static_cast<std::uint16_t>(ike::Phase2Attr::kLifeDuration);
    std::vector<ike::Attribute> lives = {
        ike::Attribute::number16(kType, ike::kLifeSeconds),
        ike::Attribute::number32(
            kDuration, lies.lifetime_zero ? 0 : static_cast<std::uint32_t>(seconds.count()))};
    if (config_.esp_kilobytes != 0) {
      lives.push_back(ike::Attribute::number16(kType, ike::kLifeKilobytes));
      lives.push_back(
          ike::Attribute::number32(kDuration, static_cast<std::uint32_t>(config_.esp_kilobytes)));
    }
    notify.data = ike::encode_attributes(lives);
    rest.emplace_back(PayloadType::kNotify, ike::encode_notify(notify));
  }
  if (lies.unknown_payloads) rest.emplace_back(PayloadType::kSignature, ByteVec(64, 0x5a));
  auto chain = authenticated(sa, {message_id_octets(id), quick.nonce_i}, rest);
  if (lies.wrong_hash_2) chain.body(0)[0] ^= 1;
  reply(sa, seal(sa, ike::Exchange::kQuick, id, chain, quick.iv, now), out);
  insist(sa, Pending::Kind::kQuick, id, now);
}

bool Gateway::on_quick3(Ike& sa, Quick& quick, const ike::Header& header, Bytes message,
                        Instant now) {
  const auto opened = open(sa, header, message, quick.iv);
  const ike::Payload* hash = opened ? opened->payloads.first(PayloadType::kHash) : nullptr;
  if (hash == nullptr) return false;
  const ByteVec id = message_id_octets(header.message_id);
  const ByteVec expected = sa.keys.authenticate({kZero, id, quick.nonce_i, quick.nonce_r});
  if (!equal(hash->body, expected)) return false;
  note(true, sa, header, header.first, opened->plain, now);
  answered(sa, header.message_id);
  install(sa, quick, now);
  return true;
}

void Gateway::install(Ike& sa, Quick& quick, Instant now) {
  const std::size_t size = quick.suite.keymat_size();
  const auto parameters = [&](EspSpi spi) {
    esp::SaParameters p;
    p.spi = spi;
    p.suite = quick.suite;
    p.keymat = sa.keys.keymat(quick.g_xy.expose(), spi, quick.nonce_i, quick.nonce_r, size);
    rng_.fill_secret(p.iv_key.fill());
    const ike::IdPayload& near = quick.ours ? quick.id_i : quick.id_r;
    const ike::IdPayload& far = quick.ours ? quick.id_r : quick.id_i;
    p.selectors.local = {near.as_prefix().value_or(Prefix{})};
    p.selectors.remote = {far.as_prefix().value_or(Prefix{})};
    if (quick.transport) {
      p.transport = quick.transport;
      p.selectors.local = {*Prefix::make(quick.transport->local.address, 32)};
      p.selectors.remote = {*Prefix::make(quick.transport->remote.address, 32)};
    }
    return p;
  };
  const Duration lifetime = lifetime_of(quick.proposal.transforms.front(), config_.esp_lifetime);
  children_.push_back(std::make_unique<Child>(Child{esp::InboundSa(parameters(quick.spi_in)),
                                                    esp::OutboundSa(parameters(quick.spi_out)), now,
                                                    lifetime, false, false}));
  if (sa.port == kNattPort) esp_peer_ = sa.peer;
  quick.installed = true;
  quick.dh.reset();
  ++quick_modes_;
}

ike::Proposal Gateway::propose(const Ike& sa, const Quick& quick) {
  using ike::Attribute;
  const auto type = [](ike::Phase2Attr a) { return static_cast<std::uint16_t>(a); };
  ike::Transform transform;
  transform.id = transform_of(quick.suite.cipher);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(config_.esp_lifetime);
  transform.attributes = {
      Attribute::number16(type(ike::Phase2Attr::kEncapsulation), encapsulation(sa)),
      Attribute::number16(type(ike::Phase2Attr::kLifeType), ike::kLifeSeconds),
      Attribute::number32(type(ike::Phase2Attr::kLifeDuration),
                          static_cast<std::uint32_t>(seconds.count()))};
  if (quick.suite.cipher != crypto::EspCipher::k3desCbc) {
    transform.attributes.push_back(
        Attribute::number16(type(ike::Phase2Attr::kKeyLength), quick.suite.key_bits));
  }
  if (quick.suite.integrity) {
    transform.attributes.push_back(
        Attribute::number16(type(ike::Phase2Attr::kAuth), auth_number(*quick.suite.integrity)));
  }
  if (quick.dh) {
    transform.attributes.push_back(Attribute::number16(
        type(ike::Phase2Attr::kGroup), static_cast<std::uint16_t>(quick.dh->group)));
  }
  return {1, ike::Protocol::kEsp, spi_octets(quick.spi_in), {transform}};
}

bool Gateway::start_rekey(Instant now, Outbox& out) {
  if (ikes_.empty() || children_.empty() || ikes_.back()->stage != Ike::Stage::kReady) return false;
  Ike& sa = *ikes_.back();
  Child& old = *children_.back();
  old.rekeying = true;
  Quick quick;
  quick.ours = true;
  quick.suite = old.in.suite();
  quick.spi_in = fresh_spi();
  if (config_.pfs) quick.dh = generate_key(config_.key_exchange, *config_.pfs, rng_);
  quick.nonce_i.resize(24);
  rng_.fill_public(quick.nonce_i);
  // The initiator of this exchange is the gateway: IDci is what lies behind it.
  quick.id_i = ike::IdPayload::subnet(old.in.selectors().local.front());
  quick.id_r = ike::IdPayload::address(old.in.selectors().remote.front().address());
  quick.proposal = propose(sa, quick);
  ike::SaPayload offer;
  offer.proposals = {quick.proposal};
  Rest rest = {{PayloadType::kSa, ike::encode_sa(offer)}, {PayloadType::kNonce, quick.nonce_i}};
  if (quick.dh) rest.emplace_back(PayloadType::kKe, quick.dh->public_value);
  if (config_.l2tp) {
    quick.transport = l2tp_flow(sa);
    add_l2tp_ends(sa, quick, rest);
  } else {
    rest.emplace_back(PayloadType::kId, ike::encode_id(quick.id_i));
    rest.emplace_back(PayloadType::kId, ike::encode_id(quick.id_r));
  }
  const MessageId id = fresh_id();
  const auto chain = authenticated(sa, {message_id_octets(id)}, rest);
  quick.iv = phase2_iv(sa.keys.hash, sa.iv, id);
  ByteVec message = seal(sa, ike::Exchange::kQuick, id, chain, quick.iv, now);
  sa.quicks.insert_or_assign(id, std::move(quick));
  request(sa, Pending::Kind::kQuick, id, std::move(message), now, out);
  return true;
}

bool Gateway::on_quick2(Ike& sa, Quick& quick, const ike::Header& header, Bytes message,
                        Instant now, Outbox& out) {
  const auto opened = open(sa, header, message, quick.iv);
  const ByteVec id = message_id_octets(header.message_id);
  if (!opened || !hash_holds(sa, *opened, {id, quick.nonce_i})) return false;
  const ike::Payload* sa_payload = opened->payloads.first(PayloadType::kSa);
  const ike::Payload* nonce = opened->payloads.first(PayloadType::kNonce);
  const ike::Payload* ke = opened->payloads.first(PayloadType::kKe);
  const auto answer =
      sa_payload == nullptr ? fail(Drop::kMissingPayload) : ike::decode_sa(sa_payload->body);
  if (!answer || nonce == nullptr || (ke != nullptr) != quick.dh.has_value()) return false;
  const ike::Proposal& proposal = answer->proposals.front();
  if (proposal.spi.size() != 4) return false;
  if (quick.dh) {
    auto g_xy = shared_secret(config_.key_exchange, *quick.dh, ke->body);
    if (!g_xy) return false;
    quick.g_xy = std::move(*g_xy);
  }
  note(true, sa, header, header.first, opened->plain, now);
  answered(sa, header.message_id);
  quick.spi_out = EspSpi{load_be<std::uint32_t>(proposal.spi)};
  quick.nonce_r = to_vec(nonce->body);
  quick.iv = opened->next_iv;
  ike::ChainBuilder chain;
  chain.add(PayloadType::kHash, sa.keys.authenticate({kZero, id, quick.nonce_i, quick.nonce_r}));
  reply(sa, seal(sa, ike::Exchange::kQuick, header.message_id, chain, quick.iv, now), out);
  install(sa, quick, now);
  return true;
}

}  // namespace godwit::sim
