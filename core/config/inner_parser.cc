#include "core/config/inner_parser.h"

#include "core/base/limits.h"
#include "core/config/collect.h"
#include "core/config/values.h"

namespace godwit::config {
namespace {

constexpr std::size_t kDomainsMax = 64;

class InnerParser {
 public:
  InnerParser(Settings& in, Report& report, Profile& profile)
      : in_(in), report_(report), profile_(profile) {}

  void read() {
    read_addresses();
    read_beside();
    read_dns();
  }

 private:
  Where value_of(std::string_view key) const { return in_.find(key)->value.where; }
  Where key_of(std::string_view key) const { return in_.find(key)->key_where; }

  void read_addresses() {
    read_mode_config();
    read_networks("networks", profile_.networks);
    read_networks("add-networks", profile_.more_networks);
    read_networks("exclude-networks", profile_.excluded_networks);
    if (const auto text = in_.text("address")) {
      if (auto address = parse_inner_address(*text)) {
        profile_.address = *address;
      } else {
        report_.add(value_of("address"), std::move(address.error()));
      }
    }
    if (in_.is_unclear("mode-config")) return;
    const bool off = profile_.mode_config == ConfigMode::kOff;
    if (!off && in_.find("address") != nullptr) {
      report_.add(key_of("address"), "address is set, but mode-config asks the gateway for one",
                  "write mode-config = false, or remove address");
    }
    if (off && !in_.mentions("address")) {
      report_.add(key_of("mode-config"), "without mode-config the profile must give an address",
                  "write address = \"10.9.8.7\"");
    }
  }

  void read_networks(std::string_view key, std::vector<Prefix>& out) {
    const auto networks = in_.list(key, limits::kSplitNetworksMax);
    if (!networks) return;
    for (const Item& item : *networks) append_value(out, parse_network(item.text), item, report_);
  }

  void read_beside() {
    if (const auto word = in_.choice("ipv6")) {
      profile_.ipv6 = *word == "block"   ? Ipv6::kBlock
                      : *word == "allow" ? Ipv6::kAllow
                                         : Ipv6::kTunnel;
    }
    if (const auto word = in_.choice("kill-switch")) {
      profile_.kill_switch = *word == "on"    ? KillSwitch::kOn
                             : *word == "lan" ? KillSwitch::kLan
                                              : KillSwitch::kOff;
    }
    if (const auto word = in_.choice("prefer")) {
      profile_.prefer = *word == "local" ? Prefer::kLocal : Prefer::kVpn;
    }
  }

  void read_mode_config() {
    if (const auto word = in_.choice_or_boolean("mode-config")) {
      profile_.mode_config = *word == "pull"   ? ConfigMode::kPull
                             : *word == "push" ? ConfigMode::kPush
                             : *word == "off"  ? ConfigMode::kOff
                                               : ConfigMode::kAuto;
    }
    if (profile_.mode_config == ConfigMode::kOff && !in_.is_unclear("mode-config")) {
      in_.refuse({"ipv6-address", "local-lan", "application-version", "ddns-hostname"},
                 "is a matter of mode-config, which is off", "remove one of the two");
    }
    if (const auto ask = in_.boolean("ipv6-address")) profile_.ask_ipv6 = *ask;
    if (const auto allow = in_.boolean("local-lan")) profile_.local_lan = *allow;
    if (const auto word = in_.choice("phase2")) {
      profile_.phase2 = *word == "one"           ? PhaseTwo::kOne
                        : *word == "per-network" ? PhaseTwo::kPerNetwork
                                                 : PhaseTwo::kAuto;
    }
    profile_.application_version = short_text("application-version");
    profile_.ddns_hostname = short_text("ddns-hostname");
    if (profile_.ddns_hostname.empty()) return;
    if (auto fault = domain_fault(profile_.ddns_hostname)) {
      report_.add(value_of("ddns-hostname"), std::move(*fault));
    }
  }

  std::string short_text(std::string_view key) {
    const auto text = in_.text(key);
    if (!text) return {};
    if (text->size() > limits::kVersionTextMax) {
      report_.add(value_of(key),
                  std::string(key) + " has " + std::to_string(text->size()) + " octets",
                  "at most " + std::to_string(limits::kVersionTextMax) + " are sent");
    }
    return *text;
  }

  void read_dns() {
    const Entry* entry = in_.find("dns");
    if (entry != nullptr && entry->value.kind == Item::Kind::kText) {
      profile_.use_dns = in_.choice("dns") != "none";
    } else if (const auto servers = in_.list("dns", limits::kDnsServersMax)) {
      for (const Item& item : *servers) {
        append_value(profile_.dns, parse_dns_server(item.text), item, report_);
      }
      if (entry->items.empty()) {
        report_.add(value_of("dns"), "dns lists no server", "write \"gateway\" or \"none\"");
      }
    }
    read_domains("search-domains", profile_.search_domains);
    read_domains("routing-domains", profile_.routing_domains);
  }

  void read_domains(std::string_view key, std::vector<std::string>& out) {
    const auto domains = in_.list(key, kDomainsMax);
    if (!domains) return;
    for (const Item& item : *domains) {
      if (auto fault = domain_fault(item.text)) {
        report_.add(item.where, std::move(*fault));
      } else if (is_new(out, item.text, item, report_)) {
        out.push_back(item.text);
      }
    }
    if (!profile_.use_dns && !domains->empty()) {
      report_.add(key_of(key), std::string(key) + " has no effect with dns = \"none\"",
                  "remove one of the two");
    }
  }

  Settings& in_;
  Report& report_;
  Profile& profile_;
};

}  // namespace

void read_inner(Settings& in, Report& report, Profile& profile) {
  InnerParser(in, report, profile).read();
}

}  // namespace godwit::config
