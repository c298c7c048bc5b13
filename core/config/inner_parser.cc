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
    read_dns();
  }

 private:
  Where value_of(std::string_view key) const { return in_.find(key)->value.where; }
  Where key_of(std::string_view key) const { return in_.find(key)->key_where; }

  void read_addresses() {
    if (const auto ask = in_.boolean("mode-config")) profile_.mode_config = *ask;
    if (const auto networks = in_.list("networks", limits::kSplitNetworksMax)) {
      for (const Item& item : *networks) {
        append_value(profile_.networks, parse_network(item.text), item, report_);
      }
    }
    if (const auto text = in_.text("address")) {
      if (auto address = parse_inner_address(*text)) {
        profile_.address = *address;
      } else {
        report_.add(value_of("address"), std::move(address.error()));
      }
    }
    if (in_.is_unclear("mode-config")) return;
    if (profile_.mode_config && in_.find("address") != nullptr) {
      report_.add(key_of("address"), "address is set, but mode-config asks the gateway for one",
                  "write mode-config = false, or remove address");
    }
    if (!profile_.mode_config && !in_.mentions("address")) {
      report_.add(key_of("mode-config"), "without mode-config the profile must give an address",
                  "write address = \"10.9.8.7\"");
    }
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
