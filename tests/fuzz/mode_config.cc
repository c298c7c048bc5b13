// An ATTR payload after phase 1: what Mode Config, the Unity attributes and XAuth make of it, and
// what is answered. isakmp_decrypted reaches it too, but behind encryption and in small messages;
// here the whole input is the payload's body, so that lists grow to their limits.
#include <algorithm>

#include "core/base/limits.h"
#include "core/ike/v1/mode_config.h"
#include "core/ike/v1/xauth.h"
#include "core/ike/wire/encode.h"
#include "tests/fuzz/fuzz.h"

using namespace godwit;
using namespace godwit::ike;
using namespace godwit::ike::v1;

namespace {

// A list of split networks, or one attribute for each.
constexpr std::size_t kAttributesMax = limits::kAttributesMax + limits::kSplitNetworksMax;

// An escape sequence would drive the terminal; a NUL would hide what follows.
bool is_text(const std::string& text, bool newlines) {
  return std::all_of(text.begin(), text.end(),
                     [&](char c) {
                       return (c == '\n' && newlines) || static_cast<unsigned char>(c) >= 0x20;
                     }) &&
         text.find('\x7f') == std::string::npos;
}

bool is_name(const std::string& name) {
  return !name.empty() && name.size() <= 254 && is_text(name, false) &&
         name.find_first_of(" /\\'\"$`;|&<>()") == std::string::npos;
}

bool same(const CfgPayload& a, const CfgPayload& b) {
  return a.type == b.type && a.identifier == b.identifier &&
         std::equal(a.attributes.begin(), a.attributes.end(), b.attributes.begin(),
                    b.attributes.end(), [](const Attribute& x, const Attribute& y) {
                      return x.type == y.type && x.basic == y.basic && x.value == y.value;
                    });
}

void comes_back(const CfgPayload& cfg) {
  const ByteVec body = encode_cfg(cfg);
  const auto again = decode_cfg(body);
  FUZZ_REQUIRE(again && same(*again, cfg));
}

void check_mode_config(const CfgPayload& cfg) {
  const ModeConfig config = read_mode_config(cfg);
  for (const IpAddress& address : config.address.all()) FUZZ_REQUIRE(address.is_usable_unicast());
  FUZZ_REQUIRE(!config.address.v4 || config.address.v4->is_v4());
  FUZZ_REQUIRE(!config.address.v6 || config.address.v6->is_v6());
  FUZZ_REQUIRE(!config.netmask || (*config.netmask >= 0 && *config.netmask <= 32));
  FUZZ_REQUIRE(config.dns.size() <= limits::kDnsServersMax);
  for (const IpAddress& server : config.dns) FUZZ_REQUIRE(server.is_usable_unicast());
  FUZZ_REQUIRE(config.nbns.size() <= limits::kDnsServersMax);
  for (const IpAddress& server : config.nbns) FUZZ_REQUIRE(server.is_usable_unicast());
  FUZZ_REQUIRE(config.split_include.size() <= limits::kSplitNetworksMax);
  for (const Prefix& network : config.split_include) {
    FUZZ_REQUIRE(!network.is_everything());
    FUZZ_REQUIRE(!(network.address().is_v4() ? config.everything_v4 : config.everything_v6));
  }
  // MC-11: nothing public leaves the tunnel because a gateway says so.
  FUZZ_REQUIRE(config.local_lan.size() <= limits::kLocalNetworksMax);
  for (const Prefix& network : config.local_lan) {
    FUZZ_REQUIRE(network.address().is_v4() && network.length() >= 8);
  }
  FUZZ_REQUIRE(!config.expires_after || *config.expires_after > Duration::zero());
  FUZZ_REQUIRE(is_text(config.application_version, false));
  FUZZ_REQUIRE(config.application_version.size() <= limits::kVersionTextMax);
  FUZZ_REQUIRE(config.split_dns.size() <= limits::kSplitNetworksMax);
  FUZZ_REQUIRE(std::all_of(config.split_dns.begin(), config.split_dns.end(), is_name));
  FUZZ_REQUIRE(config.default_domain.empty() || is_name(config.default_domain));
  FUZZ_REQUIRE(config.banner.size() <= limits::kBannerMax && is_text(config.banner, true));
  FUZZ_REQUIRE(config.address.empty() || offers_address(cfg));
  const CfgPayload ack = mode_config_ack(cfg);
  FUZZ_REQUIRE(ack.identifier == cfg.identifier && ack.attributes.size() == cfg.attributes.size());
  comes_back(ack);
  ConfigWishes wishes;
  wishes.application_version = "godwit";
  wishes.ddns_hostname = "laptop";
  const CfgPayload reply = mode_config_reply(cfg, wishes);
  FUZZ_REQUIRE(reply.attributes.size() <= 3);  // MC-06: only what was asked, and with a value
  for (const Attribute& attribute : reply.attributes) {
    FUZZ_REQUIRE(!attribute.value.empty() && cfg.find(CfgAttr{attribute.type}) != nullptr);
  }
  comes_back(reply);
}

void check_xauth(const CfgPayload& cfg) {
  const XauthRequest request = read_xauth_request(cfg);
  FUZZ_REQUIRE(request.message.size() <= limits::kXauthMessageMax);
  FUZZ_REQUIRE(is_text(request.message, false));
  FUZZ_REQUIRE(request.fields.size() <= 6);  // each kind of field once
  FUZZ_REQUIRE(request.fields.empty() || is_xauth(cfg));
  FUZZ_REQUIRE(request.challenge.size() <= limits::kXauthMessageMax);
  FUZZ_REQUIRE(is_text(request.challenge, false));
  FUZZ_REQUIRE(!request.chap || !request.chap->empty());
  FUZZ_REQUIRE(request.fault == XauthFault::kNone || (!request.chap && !request.one_time));
  const std::string verdict = xauth_message(cfg);
  FUZZ_REQUIRE(verdict.size() <= limits::kXauthMessageMax && is_text(verdict, false));
  std::vector<SecretBytes> values;
  for (std::size_t i = 0; i < request.fields.size(); ++i) {
    values.push_back(SecretBytes::copy_of(ByteVec(i * 40, 0x70)));
  }
  CfgPayload reply = xauth_reply(request, values, 0x5a);
  FUZZ_REQUIRE(reply.identifier == cfg.identifier);
  // Every field is answered once, and nothing else but the type, which is echoed.
  std::size_t answered = 0;
  for (const CfgAttr field : request.fields) answered += reply.find(field) != nullptr ? 1u : 0u;
  FUZZ_REQUIRE(answered == request.fields.size());
  // Against a challenge the password itself stays here.
  const Attribute* password = reply.find(CfgAttr::kXauthUserPassword);
  FUZZ_REQUIRE(!request.chap || password == nullptr || password->value.size() == 17);
  for (const Attribute& attribute : reply.attributes) {
    const auto type = static_cast<CfgAttr>(attribute.type);
    FUZZ_REQUIRE(type == CfgAttr::kXauthType ||
                 std::count(request.fields.begin(), request.fields.end(), type) == 1);
  }
  comes_back(reply);
  wipe_values(reply);
  for (const Attribute& attribute : reply.attributes) {
    FUZZ_REQUIRE(std::count(attribute.value.begin(), attribute.value.end(), 0) ==
                 static_cast<std::ptrdiff_t>(attribute.value.size()));
  }
  comes_back(xauth_refusal(request));
  static_cast<void>(xauth_status(cfg));
  comes_back(xauth_ack(cfg));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > limits::kIkeMessageMax) return 0;
  const auto cfg = decode_cfg(Bytes(data, size));
  if (!cfg) return 0;
  FUZZ_REQUIRE(cfg->attributes.size() <= kAttributesMax);
  comes_back(*cfg);
  check_mode_config(*cfg);
  check_xauth(*cfg);
  return 0;
}
