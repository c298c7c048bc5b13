#include "client/status.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "client/report.h"
#include "client/words.h"

namespace godwit::client {
namespace {

using nlohmann::json;

template <class T>
json texts(const std::vector<T>& items) {
  json out = json::array();
  for (const T& item : items) {
    if constexpr (requires { item.to_string(); }) {
      out.push_back(item.to_string());
    } else {
      out.push_back(printable(item));
    }
  }
  return out;
}

json seconds(const std::optional<Duration>& span) {
  if (!span) return nullptr;
  return std::chrono::duration_cast<std::chrono::seconds>(*span).count();
}

std::string_view encapsulation(config::NatTraversal natt) {
  switch (natt) {
    case config::NatTraversal::kOff:
      return "none";
    case config::NatTraversal::kCiscoUdp:
      return "cisco-udp";
    default:
      return "udp";
  }
}

json nat_json(const session::Status& status) {
  return {{"we_are_behind", status.nat.we_are_behind},
          {"gateway_is_behind", status.nat.gateway_is_behind},
          {"forced", status.nat.forced},
          {"dialect", words(status.natt)}};
}

json drops_json(const Counters& drops) {
  json out = json::object();
  for (std::size_t i = 0; i < kDropCount; ++i) {
    const auto reason = static_cast<Drop>(i);
    if (drops.of(reason) != 0) out[std::string(slug(reason))] = drops.of(reason);
  }
  return out;
}

std::string text_of(const json& value) {
  if (value.is_string()) return printable(value.get<std::string>());
  if (value.is_array()) {
    std::vector<std::string> items;
    for (const json& item : value) items.push_back(text_of(item));
    return join(items);
  }
  if (value.is_null()) return "";
  return printable(value.dump());
}

// A member however deep, or null.
json at(const json& value, std::initializer_list<const char*> path) {
  const json* here = &value;
  for (const char* key : path) {
    if (!here->is_object() || !here->contains(key)) return nullptr;
    here = &(*here)[key];
  }
  return *here;
}

// A number of seconds that a Duration can hold.
std::optional<Duration> span_of(const json& value) {
  constexpr std::int64_t kMost = std::chrono::floor<std::chrono::seconds>(Duration::max()).count();
  if (!value.is_number_integer()) return std::nullopt;
  // An unsigned value above every signed one turns negative here.
  const auto seconds = value.get<std::int64_t>();
  if (seconds < 0 || seconds > kMost) return std::nullopt;
  return std::chrono::seconds(seconds);
}

class Lines {
 public:
  void add(const char* name, const std::string& text) {
    if (!text.empty()) out_ += fmt::format("  {:<16}{}\n", name, text);
  }
  void add_span(const char* name, const json& value) {
    if (const auto span = span_of(value)) add(name, words(*span));
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

bool is_set(const json& value, const char* key) {
  const json found = at(value, {key});
  return found.is_boolean() && found.get<bool>();
}

std::uint64_t count_of(const json& value, const char* key) {
  const json found = at(value, {key});
  return found.is_number_unsigned() ? found.get<std::uint64_t>() : 0;
}

std::string nat_words(const json& nat) {
  session::NatFound found;
  found.we_are_behind = is_set(nat, "we_are_behind");
  found.gateway_is_behind = is_set(nat, "gateway_is_behind");
  found.forced = is_set(nat, "forced");
  return sentence(session::Event{found});
}

// What moves many packets at a time, and what does not any more.
json offload_json(const platform::Offloads& offloads) {
  json out = json::array();
  if (offloads.tun.tcp) out.push_back("tun-tcp");
  if (offloads.tun.udp) out.push_back("tun-udp");
  if (offloads.udp_runs) out.push_back("udp-segment");
  if (offloads.udp_joins) out.push_back("udp-join");
  return out;
}

std::string engine_text(const json& status) {
  std::string out = text_of(at(status, {"engine", "name"}));
  const json offloads = at(status, {"engine", "offloads"});
  if (!offloads.is_array()) return out;
  for (const json& offload : offloads) out += ", " + text_of(offload);
  if (at(status, {"engine", "threads"}) == true) out += ", a thread each way";
  return out;
}

// Where NAT detection was not spoken.
std::string encapsulation_words(const json& status) {
  const std::string around = text_of(at(status, {"encapsulation"}));
  if (around == "none") return "not looked for; ESP goes without UDP and passes no NAT";
  if (around == "cisco-udp") return "not looked for; ESP goes in UDP as old Cisco gateways want it";
  return {};
}

// What a tunnel that is up lacks.
json waits_for(const session::Status& status) {
  if (status.offline) return "network";
  return status.recovering ? json("gateway") : json();
}

std::string waiting_words(const json& status) {
  const std::string what = text_of(at(status, {"waits_for"}));
  if (what == "network") return "a network: there is no route to the gateway";
  if (what == "gateway") return "the gateway, which does not answer; it is connected to anew";
  return {};
}

// Why the gateway is not the profile's first one, or nothing.
std::string gateway_words(const json& status) {
  const std::string chosen = text_of(at(status, {"gateway", "chosen"}));
  if (chosen == "backup") return "a backup, because another did not answer";
  if (chosen != "redirect") return {};
  return "where another gateway sent us";
}

void add_traffic(const json& status, Lines& lines) {
  const json in = at(status, {"traffic", "in"});
  const json out = at(status, {"traffic", "out"});
  if (!in.is_object() || !out.is_object()) return;
  lines.add("received", fmt::format("{} in {} packets", words_of_octets(count_of(in, "octets")),
                                    count_of(in, "packets")));
  lines.add("sent", fmt::format("{} in {} packets", words_of_octets(count_of(out, "octets")),
                                count_of(out, "packets")));
}

void add_drops(const json& status, Lines& lines) {
  const json drops = at(status, {"drops"});
  if (!drops.is_object()) return;
  for (std::size_t i = 0; i < kDropCount; ++i) {
    const auto reason = static_cast<Drop>(i);
    const std::string name(slug(reason));
    if (drops.contains(name)) {
      lines.add("dropped", fmt::format("{} x {}", text_of(drops[name]), sentence(reason)));
    }
  }
}

const char* kill_switch_word(config::KillSwitch which) {
  switch (which) {
    case config::KillSwitch::kOn:
      return "on";
    case config::KillSwitch::kLan:
      return "lan";
    case config::KillSwitch::kOff:
      break;
  }
  return "off";
}

}  // namespace

std::string status_state(const json& status) {
  const json state = at(status, {"state"});
  return state.is_string() ? state.get<std::string>() : "";
}

std::optional<Duration> status_up_for(const json& status) {
  return span_of(at(status, {"up_for"}));
}

std::string weak_reason(const std::string& word) {
  if (word == "aggressive-psk") {
    return "aggressive-psk: whoever sees the handshake can guess the group key offline";
  }
  if (word.starts_with("modp")) {
    return word + ": this Diffie-Hellman group is too small to last";
  }
  if (word == "3des") return "3des: its 64-bit blocks give away text when much is sent (Sweet32)";
  if (word == "md5") return "md5: broken as a hash, and what is left of it may not last";
  return word;
}

json status_json(const StatusParts& parts) {
  const session::Status& s = parts.session;
  json out;
  out["schema"] = kStatusSchema;
  out["name"] = parts.profile.name;
  out["state"] = slug(s.stage);
  out["waits_for"] = waits_for(s);
  out["mode"] = s.aggressive ? "aggressive" : "main";
  out["gateway"] = {{"name", parts.profile.gateway},
                    {"endpoint", s.gateway.to_string()},
                    {"chosen", words(s.gateway_origin)},
                    {"redirects", s.redirects},
                    {"identity", printable(s.gateway_identity)},
                    {"maker", s.maker.empty() ? json() : json(s.maker)}};
  out["quirks"] = s.quirks;
  out["local"] = s.local.to_string();
  out["floated"] = s.floated;
  out["nat"] = nat_json(s);
  out["encapsulation"] = encapsulation(parts.profile.natt);
  out["device"] = parts.device;
  out["l2tp"] = parts.profile.l2tp;
  out["addresses"] = texts(s.addresses);
  out["networks"] = texts(s.networks);
  out["dns"] = {{"servers", texts(s.dns)},
                {"search_domains", texts(s.search_domains)},
                {"wins", texts(s.nbns)},
                {"through", parts.resolver}};
  out["excluded"] = texts(s.excluded);
  out["address_expires_in"] = seconds(s.address_expires_in);
  out["gateway_says"] = {{"version", printable(s.gateway_version)},
                         {"save_password", s.save_password ? json(*s.save_password) : json()},
                         {"pfs", s.pfs_wanted}};
  out["kill_switch"] = kill_switch_word(parts.profile.kill_switch);
  out["mtu"] = s.mtu;
  out["ike"] = {{"suite", s.ike ? json(words(*s.ike)) : json()},
                {"expires_in", seconds(s.ike_expires_in)}};
  out["esp"] = {{"suite", s.esp ? json(words(*s.esp)) : json()},
                {"spi_in", s.inbound ? json(spi_text(*s.inbound)) : json()},
                {"spi_out", s.outbound ? json(spi_text(*s.outbound)) : json()},
                {"rekey_in", seconds(s.esp_rekey_in)},
                {"rekey_after_octets", s.esp_rekey_after ? json(*s.esp_rekey_after) : json()},
                {"crypto", parts.packets.crypto}};
  out["up_for"] = seconds(s.up_for);
  out["heard_ago"] = seconds(s.heard_ago);
  out["keepalives_sent"] = s.keepalives_sent;
  out["rekeys"] = s.rekeys;
  out["retransmissions"] = s.retransmissions;
  out["traffic"] = {
      {"in", {{"packets", parts.traffic.packets_in}, {"octets", parts.traffic.bytes_in}}},
      {"out", {{"packets", parts.traffic.packets_out}, {"octets", parts.traffic.bytes_out}}}};
  const platform::EngineStatistics& io = parts.packets.io;
  out["engine"] = {
      {"name", parts.packets.engine},     {"offloads", offload_json(parts.packets.offloads)},
      {"threads", parts.packets.threads}, {"turns", io.turns},
      {"system_calls", io.system_calls},  {"send_dropped", io.send_dropped},
      {"send_failed", io.send_failed},    {"tun_write_failed", io.tun_write_failed}};
  out["hardening"] = {{"memory_locked", parts.hardening.memory_locked},
                      {"system_calls_filtered", parts.hardening.calls_filtered}};
  out["drops"] = drops_json(parts.drops);
  out["weak"] = texts(parts.profile.weak);
  return out;
}

std::string status_text(const json& status) {
  Lines lines;
  lines.add("waits for", waiting_words(status));
  const std::string mode = text_of(at(status, {"mode"}));
  lines.add("mode", mode == "aggressive" ? "Aggressive Mode" : mode == "main" ? "Main Mode" : mode);
  const std::string identity = text_of(at(status, {"gateway", "identity"}));
  lines.add("gateway", text_of(at(status, {"gateway", "endpoint"})) +
                           (identity.empty() ? "" : " (" + identity + ")"));
  lines.add("which is", gateway_words(status));
  lines.add("made by", text_of(at(status, {"gateway", "maker"})));
  lines.add("quirks", text_of(at(status, {"quirks"})));
  lines.add("from", text_of(at(status, {"local"})));
  if (const json nat = at(status, {"nat"}); nat.is_object()) {
    if (const std::string around = encapsulation_words(status); !around.empty()) {
      lines.add("NAT", around);
    } else {
      lines.add("NAT", nat_words(nat));
      lines.add("NAT traversal", text_of(at(nat, {"dialect"})));
    }
  }
  lines.add("device", text_of(at(status, {"device"})));
  if (is_set(status, "l2tp")) lines.add("carries", "L2TP to the gateway (UDP port 1701) only");
  lines.add("address", text_of(at(status, {"addresses"})));
  lines.add("networks", text_of(at(status, {"networks"})));
  lines.add("not in it", text_of(at(status, {"excluded"})));
  lines.add_span("address until", at(status, {"address_expires_in"}));
  lines.add("WINS", text_of(at(status, {"dns", "wins"})));
  lines.add("gateway is", text_of(at(status, {"gateway_says", "version"})));
  const std::string servers = text_of(at(status, {"dns", "servers"}));
  if (!servers.empty()) {
    lines.add("DNS", servers + " through " + text_of(at(status, {"dns", "through"})));
  }
  lines.add("domains", text_of(at(status, {"dns", "search_domains"})));
  lines.add("MTU", text_of(at(status, {"mtu"})));
  lines.add("IKE", text_of(at(status, {"ike", "suite"})));
  lines.add_span("IKE expires in", at(status, {"ike", "expires_in"}));
  lines.add("ESP", text_of(at(status, {"esp", "suite"})));
  lines.add("SPI in, out", text_of(at(status, {"esp", "spi_in"})) + ", " +
                               text_of(at(status, {"esp", "spi_out"})));
  lines.add_span("new keys in", at(status, {"esp", "rekey_in"}));
  if (const json left = at(status, {"esp", "rekey_after_octets"}); left.is_number_unsigned()) {
    lines.add("or after", words_of_octets(left.get<std::uint64_t>()));
  }
  lines.add_span("up for", at(status, {"up_for"}));
  lines.add_span("heard ago", at(status, {"heard_ago"}));
  add_traffic(status, lines);
  lines.add("keepalives", text_of(at(status, {"keepalives_sent"})));
  lines.add("rekeys", text_of(at(status, {"rekeys"})));
  lines.add("engine", engine_text(status));
  lines.add("crypto", text_of(at(status, {"esp", "crypto"})));
  const std::string closed = text_of(at(status, {"kill_switch"}));
  if (closed == "on") lines.add("kill switch", "closed");
  if (closed == "lan") lines.add("kill switch", "closed, sparing private networks");
  if (const json weak = at(status, {"weak"}); weak.is_array()) {
    for (const json& word : weak) lines.add("weak", weak_reason(text_of(word)));
  }
  add_drops(status, lines);
  return fmt::format("{} is {}\n{}", text_of(at(status, {"name"})), text_of(at(status, {"state"})),
                     lines.take());
}

}  // namespace godwit::client
