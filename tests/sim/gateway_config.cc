// XAuth (draft-beaulieu-ike-xauth-02) and Mode Config (draft-dukes-ike-mode-cfg-02) on the
// gateway's side. Both are Transaction exchanges: HDR*, HASH, ATTR with HASH = prf(SKEYID_a, M-ID |
// ATTR).
#include "tests/sim/gateway_config.h"

#include <array>

#include "tests/sim/gateway.h"

namespace godwit::sim {
namespace {

using ike::CfgAttr;
using ike::CfgType;
using ike::PayloadType;

constexpr std::uint16_t kXauthGeneric = 0;

ike::Attribute text(CfgAttr type, const std::string& value) {
  const Bytes octets(reinterpret_cast<const std::uint8_t*>(value.data()), value.size());
  return ike::Attribute::octets(static_cast<std::uint16_t>(type), octets);
}

ike::Attribute address(CfgAttr type, const IpAddress& value) {
  return ike::Attribute::octets(static_cast<std::uint16_t>(type), value.bytes());
}

std::string as_text(const ike::Attribute* attribute) {
  if (attribute == nullptr) return {};
  return {attribute->value.begin(), attribute->value.end()};
}

std::vector<ike::Attribute> plain_question(const GatewayConfig& config) {
  std::vector<ike::Attribute> asks;
  if (config.xauth_type) {
    asks.push_back(
        ike::Attribute::number16(static_cast<std::uint16_t>(CfgAttr::kXauthType), kXauthGeneric));
  }
  asks.push_back(text(CfgAttr::kXauthUserName, ""));
  asks.push_back(text(CfgAttr::kXauthUserPassword, ""));
  if (!config.xauth_message.empty()) {
    asks.push_back(text(CfgAttr::kXauthMessage, config.xauth_message));
  }
  return asks;
}

// Unity: address, netmask, protocol, source port, destination port; 14 octets (MC-10).
ByteVec split_entries(const std::vector<Prefix>& networks) {
  ByteVec out;
  for (const Prefix& network : networks) {
    if (network.address().is_v6()) continue;
    append(out, network.address().bytes());
    append(out, network.netmask().bytes());
    out.resize(out.size() + 6);
  }
  return out;
}

std::vector<Prefix> many_networks() {
  std::vector<Prefix> all;
  for (std::uint32_t i = 0; i < 2000; ++i) {
    all.push_back(*Prefix::make(IpAddress::v4(0x0b00'0000 + (i << 8)), 24));
  }
  return all;
}

}  // namespace

void Gateway::ask_user(Ike& sa, Instant now, Outbox& out) {
  ike::CfgPayload cfg;
  cfg.type = CfgType::kRequest;
  cfg.identifier = sa.xauth_identifier;
  cfg.attributes = config_.xauth_rounds.empty() ? plain_question(config_)
                                                : config_.xauth_rounds[sa.xauth_round].asks;
  // XA-02: the next question may go on in the exchange of the last, where the IV goes on as well.
  const bool goes_on = config_.xauth_one_exchange && sa.xauth_exchange;
  const MessageId id = goes_on ? *sa.xauth_exchange : fresh_id();
  sa.xauth_exchange = id;
  const auto chain = authenticated(sa, {message_id_octets(id)},
                                   {{PayloadType::kAttributes, ike::encode_cfg(cfg)}});
  ByteVec iv = goes_on ? sa.transaction_ivs[id] : phase2_iv(sa.keys.hash, sa.iv, id);
  const ByteVec message = seal(sa, ike::Exchange::kTransaction, id, chain, iv, now);
  sa.transaction_ivs[id] = iv;
  request(sa, Pending::Kind::kXauth, id, message, now, out);
}

void Gateway::push_config(Ike& sa, Instant now, Outbox& out) {
  if (!config_.push) return;
  ike::CfgPayload asked;  // everything
  for (const CfgAttr attr :
       {CfgAttr::kIp4Address, CfgAttr::kIp4Dns, CfgAttr::kIp6Address, CfgAttr::kIp6Subnet,
        CfgAttr::kUnitySplitInclude, CfgAttr::kUnityDefaultDomain, CfgAttr::kUnityBanner}) {
    asked.attributes.push_back(text(attr, ""));
  }
  ike::CfgPayload cfg = configure(sa, asked);
  cfg.type = CfgType::kSet;
  cfg.identifier = 77;
  const MessageId id = fresh_id();
  const auto chain = authenticated(sa, {message_id_octets(id)},
                                   {{PayloadType::kAttributes, ike::encode_cfg(cfg)}});
  ByteVec iv = phase2_iv(sa.keys.hash, sa.iv, id);
  const ByteVec message = seal(sa, ike::Exchange::kTransaction, id, chain, iv, now);
  sa.transaction_ivs[id] = iv;
  request(sa, Pending::Kind::kXauthStatus, id, message, now, out);
}

void Gateway::say_status(Ike& sa, bool ok, Instant now, Outbox& out) {
  ike::CfgPayload cfg;
  cfg.type = CfgType::kSet;
  cfg.identifier = sa.xauth_identifier;
  cfg.attributes.push_back(
      ike::Attribute::number16(static_cast<std::uint16_t>(CfgAttr::kXauthStatus), ok ? 1 : 0));
  if (!config_.xauth_verdict.empty()) {
    cfg.attributes.push_back(text(CfgAttr::kXauthMessage, config_.xauth_verdict));
  }
  const MessageId id = fresh_id();
  const auto chain = authenticated(sa, {message_id_octets(id)},
                                   {{PayloadType::kAttributes, ike::encode_cfg(cfg)}});
  ByteVec iv = phase2_iv(sa.keys.hash, sa.iv, id);
  const ByteVec message = seal(sa, ike::Exchange::kTransaction, id, chain, iv, now);
  sa.transaction_ivs[id] = iv;
  sa.close_after_ack = !ok;
  request(sa, Pending::Kind::kXauthStatus, id, message, now, out);
}

bool Gateway::on_transaction(Ike& sa, const ike::Header& header, Bytes message, Instant now,
                             Outbox& out) {
  const auto known = sa.transaction_ivs.find(header.message_id);
  const ByteVec iv = known != sa.transaction_ivs.end()
                         ? known->second
                         : phase2_iv(sa.keys.hash, sa.iv, header.message_id);
  const auto opened = open(sa, header, message, iv);
  if (!opened || !hash_holds(sa, *opened, {message_id_octets(header.message_id)})) return false;
  const ike::Payload* attr = opened->payloads.first(PayloadType::kAttributes);
  const auto cfg = attr == nullptr ? fail(Drop::kMissingPayload) : ike::decode_cfg(attr->body);
  if (!cfg) return false;
  const bool user_step = sa.stage == Ike::Stage::kWaitUser;
  if (cfg->type == CfgType::kReply && user_step && !sa.xauth_ok) {
    if (silent(Step::kXauth)) return false;
    note(true, sa, header, header.first, opened->plain, now);
    answered(sa, Pending::Kind::kXauth);
    sa.transaction_ivs[header.message_id] = opened->next_iv;
    on_credentials(sa, *cfg, now, out);
    return true;
  }
  if (cfg->type == CfgType::kAck && known != sa.transaction_ivs.end()) {
    note(true, sa, header, header.first, opened->plain, now);
    answered(sa, Pending::Kind::kXauthStatus);
    if (sa.close_after_ack) {
      close(sa);
    } else if (user_step && sa.xauth_ok) {
      sa.stage = Ike::Stage::kReady;
      push_config(sa, now, out);
    }
    return true;
  }
  if (cfg->type == CfgType::kRequest && sa.stage == Ike::Stage::kReady && config_.mode_config) {
    if (silent(Step::kModeConfig) || config_.push) return false;
    note(true, sa, header, header.first, opened->plain, now);
    const ike::CfgPayload answer = configure(sa, *cfg);
    const auto chain = authenticated(sa, {message_id_octets(header.message_id)},
                                     {{PayloadType::kAttributes, ike::encode_cfg(answer)}});
    ByteVec next = opened->next_iv;
    reply(sa, seal(sa, ike::Exchange::kTransaction, header.message_id, chain, next, now), out);
    return true;
  }
  return false;
}

bool Gateway::is_right(const Ike& sa, const ike::CfgPayload& cfg) const {
  if (cfg.find(CfgAttr::kXauthStatus) != nullptr) return false;
  if (!config_.xauth_rounds.empty()) return config_.xauth_rounds[sa.xauth_round].right(cfg);
  const auto known = config_.users.find(as_text(cfg.find(CfgAttr::kXauthUserName)));
  return known != config_.users.end() &&
         known->second == as_text(cfg.find(CfgAttr::kXauthUserPassword));
}

void Gateway::on_credentials(Ike& sa, const ike::CfgPayload& cfg, Instant now, Outbox& out) {
  const bool right = is_right(sa, cfg);
  ++sa.xauth_tries;
  if (cfg.find(CfgAttr::kXauthUserName) != nullptr) {
    sa.user = as_text(cfg.find(CfgAttr::kXauthUserName));
  }
  if (right && sa.xauth_round + 1 < config_.xauth_rounds.size()) {
    ++sa.xauth_round;
    ask_user(sa, now, out);
  } else if (right) {
    sa.xauth_ok = true;
    say_status(sa, true, now, out);
  } else if (sa.xauth_tries < config_.xauth_tries) {
    ask_user(sa, now, out);
  } else {
    say_status(sa, false, now, out);
  }
}

std::uint32_t Gateway::lease_of(const Ike& sa) {
  const auto next = static_cast<std::uint32_t>(leases_.size()) + 2;
  return leases_.try_emplace(std::make_pair(sa.user, sa.client_id), next).first->second;
}

// draft-dukes 3.4: the networks of the second family as INTERNAL_IP6_SUBNET.
void Gateway::configure6(Ike& sa, const ike::CfgPayload& asked, ike::CfgPayload& answer) {
  if (!config_.pool6 || asked.find(CfgAttr::kIp6Address) == nullptr) return;
  ByteVec octets = to_vec(config_.pool6->address().bytes());
  octets.back() = static_cast<std::uint8_t>(lease_of(sa));
  sa.address6 = IpAddress::from_bytes(octets);
  answer.attributes.push_back(address(CfgAttr::kIp6Address, *sa.address6));
  if (asked.find(CfgAttr::kIp6Subnet) == nullptr) return;
  for (const Prefix& network : config_.split) {
    if (network.address().is_v4()) continue;
    ByteVec subnet = to_vec(network.address().bytes());
    subnet.push_back(static_cast<std::uint8_t>(network.length()));
    answer.attributes.push_back(
        ike::Attribute::octets(static_cast<std::uint16_t>(CfgAttr::kIp6Subnet), subnet));
  }
}

ike::CfgPayload Gateway::configure(Ike& sa, const ike::CfgPayload& asked) {
  const auto wants = [&asked](CfgAttr type) { return asked.find(type) != nullptr; };
  ike::CfgPayload answer;
  answer.type = CfgType::kReply;
  answer.identifier = asked.identifier;
  if (wants(CfgAttr::kIp4Address)) {
    const IpAddress lease = IpAddress::v4(config_.pool.address().v4_value() + lease_of(sa));
    sa.address = config_.lies.bad_address ? IpAddress::v4(0x7f00'0001) : lease;
    answer.attributes.push_back(address(CfgAttr::kIp4Address, *sa.address));
  }
  if (wants(CfgAttr::kIp4Netmask) && !config_.netmask.is_unspecified()) {
    answer.attributes.push_back(address(CfgAttr::kIp4Netmask, config_.netmask));
  }
  if (wants(CfgAttr::kIp4Dns)) {
    for (const IpAddress& server : config_.dns) {
      answer.attributes.push_back(address(CfgAttr::kIp4Dns, server));
    }
  }
  configure6(sa, asked, answer);
  const std::vector<Prefix> split = config_.lies.many_networks ? many_networks() : config_.split;
  if (wants(CfgAttr::kUnitySplitInclude) && !split.empty()) {
    answer.attributes.push_back(ike::Attribute::octets(
        static_cast<std::uint16_t>(CfgAttr::kUnitySplitInclude), split_entries(split)));
  }
  if (wants(CfgAttr::kUnityDefaultDomain) && !config_.domain.empty()) {
    answer.attributes.push_back(text(CfgAttr::kUnityDefaultDomain, config_.domain));
  }
  if (wants(CfgAttr::kUnityBanner) && !config_.banner.empty()) {
    answer.attributes.push_back(text(CfgAttr::kUnityBanner, config_.banner));
  }
  for (const ike::Attribute& extra : config_.extra_attributes) answer.attributes.push_back(extra);
  return answer;
}

}  // namespace godwit::sim
