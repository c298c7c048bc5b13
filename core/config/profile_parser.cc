#include "core/config/profile_parser.h"

#include <algorithm>

#include "core/base/limits.h"
#include "core/config/collect.h"
#include "core/config/document.h"
#include "core/config/inner_parser.h"
#include "core/config/l2tp.h"
#include "core/config/proof_parser.h"
#include "core/config/proposal.h"
#include "core/config/secret_parser.h"
#include "core/config/settings.h"
#include "core/config/values.h"
#include "core/config/weak_uses.h"

namespace godwit::config {
namespace {

using crypto::DhGroup;
using namespace std::chrono_literals;

constexpr std::size_t kProposalsMax = 20;

// The list that the option table gives for a key that stands nowhere.
std::vector<Item> default_items(std::string_view key) {
  Report never("");
  const std::string line = "x = " + std::string(find_option(key)->default_text);
  return read_document(line, never).entries.at(0).items;
}

// Fills a Profile from settings. Each part reads its keys and reports what is wrong with them.
class ProfileBuilder {
 public:
  ProfileBuilder(Settings& settings, Report& report) : in_(settings), report_(report) {}

  Profile build() {
    in_.check_keys();
    read_gateway();
    read_proof(in_, report_, profile_);
    read_identities();
    read_secrets(in_, report_, profile_);
    read_proposals();
    read_lifetimes();
    read_l2tp(in_, report_, profile_);
    if (!profile_.l2tp) read_inner(in_, report_, profile_);
    read_liveness();
    read_device();
    // With certificates aggressive mode shows no hash of a password.
    if (profile_.aggressive && profile_.auth == Authentication::kPsk) {
      weak_.note_aggressive_psk(value_of("mode"));
    }
    profile_.weak = weak_.check(in_, report_);
    return std::move(profile_);
  }

 private:
  Where value_of(std::string_view key) const { return in_.find(key)->value.where; }
  Where key_of(std::string_view key) const { return in_.find(key)->key_where; }

  void read_gateway() {
    Profile& p = profile_;
    if (!in_.mentions("gateway")) {
      report_.add({}, "gateway is missing", "write gateway = \"vpn.example.com\"");
    }
    if (const auto host = in_.text("gateway")) {
      p.gateway = *host;
      if (auto fault = host_fault(*host)) report_.add(value_of("gateway"), std::move(*fault));
    }
    read_backups();
    read_port("gateway-port", 1, p.gateway_port);
    read_port("gateway-natt-port", 1, p.gateway_natt_port);
    read_port("local-port", 0, p.local_port);
    read_port("local-natt-port", 0, p.local_natt_port);
    // One socket cannot tell IKE with and without the non-ESP marker (RFC 3948 2.2).
    check_distinct("gateway-port", p.gateway_port, "gateway-natt-port", p.gateway_natt_port);
    if (p.local_port != 0) {
      check_distinct("local-port", p.local_port, "local-natt-port", p.local_natt_port);
    }
  }

  void read_backups() {
    const Entry* entry = in_.find("backup-gateways");
    if (entry == nullptr) return;
    profile_.learn_gateways = false;
    if (entry->value.kind == Item::Kind::kText) {
      profile_.learn_gateways = in_.choice("backup-gateways") == "gateway";
      return;
    }
    const auto hosts = in_.list("backup-gateways", limits::kBackupGatewaysMax);
    if (!hosts) return;
    for (const Item& item : *hosts) {
      if (auto fault = host_fault(item.text)) {
        report_.add(item.where, std::move(*fault));
      } else if (item.text == profile_.gateway) {
        report_.add(item.where, quote(item.text) + " is the gateway itself", "remove it");
      } else {
        profile_.backup_gateways.push_back(item.text);
      }
    }
    if (entry->items.empty()) {
      report_.add(value_of("backup-gateways"), "backup-gateways lists no gateway",
                  "write \"gateway\" or \"none\"");
    }
  }

  void add_faults(const Where& where, Faults faults) {
    for (Fault& fault : faults) report_.add(where, std::move(fault));
  }

  void read_port(std::string_view key, std::int64_t min, std::uint16_t& out) {
    if (const auto port = in_.integer(key, min, 65535)) out = static_cast<std::uint16_t>(*port);
  }

  void check_distinct(std::string_view first, std::uint16_t a, std::string_view second,
                      std::uint16_t b) {
    if (a != b) return;
    const std::string_view said = in_.find(second) != nullptr ? second : first;
    if (in_.find(said) == nullptr) return;
    report_.add(
        value_of(said),
        std::string(first) + " and " + std::string(second) + " are both " + std::to_string(a),
        "NAT traversal needs two different ports");
  }

  void read_identities() {
    if (const auto id = read_identity("id", "id-type")) profile_.local_id = *id;
    profile_.remote_id = read_identity("remote-id", "remote-id-type");
  }

  std::optional<Identity> read_identity(std::string_view key, std::string_view type_key) {
    const auto type = in_.choice(type_key);
    const auto id = in_.text(key);
    if (!id) {
      // Our own address needs no text; everything else does.
      const bool own_address = key == "id" && type == "ipv4";
      if (type && *type != "auto" && !own_address && !in_.mentions(key)) {
        report_.add(value_of(type_key),
                    std::string(type_key) + " = " + quote(*type) + " needs " + std::string(key),
                    "write " + std::string(key) + " as well, or remove this key");
      }
      return std::nullopt;
    }
    if (in_.mentions(type_key) && !type) return std::nullopt;
    auto parsed = parse_identity(*id, type.value_or("auto"));
    if (parsed) return std::move(*parsed);
    report_.add(value_of(key), std::move(parsed.error()));
    return std::nullopt;
  }

  void read_proposals() {
    read_ike();
    read_esp();
    if (!in_.mentions("pfs")) return;
    const auto word = in_.text("pfs");
    if (!word || *word == "none") return;
    if (auto group = parse_group(*word)) {
      profile_.pfs = *group;
      weak_.note(*group, value_of("pfs"));
    } else {
      add_faults(value_of("pfs"), std::move(group.error()));
      weak_.groups_are_clear = false;
    }
  }

  // The list of the profile, or else of the option table.
  std::vector<Item> proposals(std::string_view key) {
    if (in_.mentions(key)) {
      auto items = in_.list(key, kProposalsMax).value_or(std::vector<Item>());
      if (in_.find(key) != nullptr && in_.find(key)->value.kind == Item::Kind::kList &&
          in_.find(key)->items.empty()) {
        report_.add(value_of(key), std::string(key) + " lists no proposal",
                    "remove it to use the defaults, or write " + std::string(key) + " = " +
                        std::string(find_option(key)->example));
      }
      return items;
    }
    // Constants, read once: they cost more than most profiles do.
    static const std::vector<Item> ike = default_items("ike");
    static const std::vector<Item> esp = default_items("esp");
    return key == "ike" ? ike : esp;
  }

  void read_ike() {
    const bool by_default = !in_.mentions("ike");
    std::optional<DhGroup> first;
    for (const Item& item : proposals("ike")) {
      auto suite = parse_ike_proposal(item.text);
      if (!suite) {
        add_faults(item.where, std::move(suite.error()));
        weak_.groups_are_clear = false;
        continue;
      }
      // RFC 2409 4: in Aggressive Mode the group cannot be negotiated, for the first message holds
      // the key exchange.
      if (profile_.aggressive && by_default && suite->group != DhGroup::kModp2048) continue;
      if (!is_new(profile_.ike, *suite, item, report_)) continue;
      if (profile_.aggressive && first && suite->group != *first) {
        report_.add(item.where,
                    "aggressive mode allows one group, but ike has " + to_text(*first) + " and " +
                        to_text(suite->group),
                    "write the same group in every proposal, or mode = \"main\"");
      }
      if (!first) first = suite->group;
      weak_.note(*suite, item.where);
      profile_.ike.push_back(*suite);
    }
  }

  void read_esp() {
    for (const Item& item : proposals("esp")) {
      auto suite = parse_esp_proposal(item.text);
      if (!suite) {
        add_faults(item.where, std::move(suite.error()));
        weak_.esp_is_clear = false;
        continue;
      }
      if (!is_new(profile_.esp, *suite, item, report_)) continue;
      crypto::EspSuite twin = *suite;
      twin.icv96 = !twin.icv96;
      if (std::find(profile_.esp.begin(), profile_.esp.end(), twin) != profile_.esp.end()) {
        report_.add(item.where,
                    "a gateway cannot tell " + to_text(*suite) + " from " + to_text(twin),
                    "keep the one that the gateway uses; sha256 is the standard");
      }
      weak_.note(*suite, item.where);
      profile_.esp.push_back(*suite);
    }
  }

  void read_lifetimes() {
    if (const auto life = in_.duration("ike-lifetime", {1min, 168h})) {
      profile_.ike_lifetime = *life;
    }
    if (const auto life = in_.duration("esp-lifetime", {30s, 168h})) {
      profile_.esp_lifetime = *life;
    }
    // RFC 2407 4.5 counts kilobytes in 32 bits.
    if (const auto life = in_.octets("esp-lifetime-bytes", 1ull << 20, 4095ull << 30)) {
      profile_.esp_lifetime_bytes = *life;
    }
  }

  void read_liveness() {
    Profile& p = profile_;
    if (const auto natt = in_.choice("nat-traversal")) {
      p.natt = *natt == "force"       ? NatTraversal::kForce
               : *natt == "off"       ? NatTraversal::kOff
               : *natt == "cisco-udp" ? NatTraversal::kCiscoUdp
                                      : NatTraversal::kAuto;
    }
    read_port("cisco-udp-port", 1, p.cisco_udp_port);
    if (p.natt != NatTraversal::kCiscoUdp && !in_.is_unclear("nat-traversal")) {
      in_.refuse({"cisco-udp-port"}, "is used only by Cisco's way through a NAT",
                 "write nat-traversal = \"cisco-udp\", or remove this key");
    }
    if (const auto fragments = in_.choice("fragmentation")) {
      p.fragmentation = *fragments == "always" ? Fragmentation::kAlways
                        : *fragments == "off"  ? Fragmentation::kOff
                                               : Fragmentation::kAuto;
    }
    if (const auto every = in_.duration("keepalive", {1s, 10min, true})) p.keepalive = *every;
    if (const auto delay = in_.duration("dpd-delay", {1s, 1h, true})) p.dpd_delay = *delay;
    if (const auto n = in_.integer("dpd-attempts", 1, 20)) p.dpd_attempts = static_cast<int>(*n);
    if (const auto time = in_.duration("reconnect", {10s, 24h * 7, true})) p.reconnect = *time;
    if (const auto contact = in_.boolean("initial-contact")) p.initial_contact = *contact;
    if (const auto copy = in_.boolean("copy-dscp")) p.copy_dscp = *copy;
    if (const auto allow = in_.boolean("outer-fragments")) p.outer_fragments = *allow;
    read_quirks();
  }

  void read_quirks() {
    constexpr std::string_view kKnown = "plain-main-6";
    const Entry* entry = in_.find("quirks");
    if (entry == nullptr) return;
    if (entry->value.kind == Item::Kind::kText) {
      if (in_.choice("quirks") == "none") profile_.quirks.emplace();
      return;
    }
    const auto items = in_.list("quirks", 16);
    if (!items) return;
    profile_.quirks.emplace();
    for (const Item& item : *items) {
      if (item.text == kKnown) {
        profile_.quirks->push_back(item.text);
      } else {
        report_.add(item.where, "quirks does not know " + quote(item.text),
                    "it knows \"" + std::string(kKnown) + "\"");
      }
    }
  }

  void read_device() {
    if (const auto name = in_.text("interface")) {
      profile_.interface = *name;
      if (auto fault = interface_fault(*name))
        report_.add(value_of("interface"), std::move(*fault));
    }
    if (const auto mtu = in_.integer("mtu", 576, 9000, true)) {
      profile_.mtu = static_cast<std::size_t>(*mtu);
    }
    read_script();
  }

  void read_script() {
    const auto text = in_.text("script");
    if (!text) return;
    if (profile_.l2tp) {
      in_.refuse({"script"}, "has nothing to make for L2TP", "PPP's own scripts do that");
    } else if (auto words = split_command(*text)) {
      profile_.script = std::move(*words);
    } else {
      report_.add(value_of("script"), "script names no program, or a quote in it does not end",
                  "write a path and its arguments: \"/usr/share/vpnc-scripts/vpnc-script\"");
    }
  }

  Settings& in_;
  Report& report_;
  Profile profile_;
  WeakUses weak_;
};

// The mistakes of the text as a whole, after which reading on makes no sense.
bool is_readable(std::string_view text, bool has_overrides, Report& report) {
  if (text.size() > kProfileMax) {
    report.add(
        {}, "the file has " + std::to_string(text.size()) + " octets",
        "a profile has at most " + std::to_string(kProfileMax) + "; is this the right file?");
    return false;
  }
  if (const auto nul = text.find('\0'); nul != std::string_view::npos) {
    report.add(locate(text, nul), "a NUL octet", "a profile is text; is this the right file?");
    return false;
  }
  if (!has_overrides && text.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    report.add({}, "the profile is empty",
               "the shortest one that works is gateway = \"vpn.example.com\"");
    return false;
  }
  return true;
}

}  // namespace

Result<Profile, std::vector<Diagnostic>> parse_profile(std::string_view text, std::string_view file,
                                                       std::string_view name,
                                                       std::span<const Override> overrides) {
  Report report(file);
  if (!is_readable(text, !overrides.empty(), report)) return fail(report.take());
  Settings settings(read_document(text, report), overrides, report);
  Profile profile = ProfileBuilder(settings, report).build();
  if (!report.empty()) return fail(report.take());
  profile.name = name;
  profile.file = file;
  return profile;
}

}  // namespace godwit::config
