#include "platform/undo_line.h"

#include <cctype>
#include <charconv>
#include <map>
#include <sstream>

#include "platform/firewall.h"
#include "platform/tun.h"

namespace godwit::platform {
namespace {

constexpr auto kRouteKindMax = static_cast<std::uint64_t>(RouteKind::kThrow);

// Letters, digits and what addresses and paths are made of stand as they are.
bool stands_as_is(unsigned char c) {
  return std::isalnum(c) != 0 || c == '/' || c == '.' || c == '-' || c == '_' || c == ':';
}

std::string escape(const std::string& text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (stands_as_is(octet)) {
      out += c;
    } else {
      out += {'%', kHex[octet >> 4], kHex[octet & 15]};
    }
  }
  return out;
}

std::optional<std::string> unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    unsigned value = 0;
    if (i + 2 >= text.size()) return std::nullopt;
    const auto parsed = std::from_chars(text.data() + i + 1, text.data() + i + 3, value, 16);
    if (parsed.ec != std::errc{} || parsed.ptr != text.data() + i + 3) return std::nullopt;
    out += static_cast<char>(value);
    i += 2;
  }
  return out;
}

// `verb key=value ...` under construction and taken apart.
class Line {
 public:
  explicit Line(std::string verb) : text_(std::move(verb)) {}
  Line& add(const char* key, const std::string& value) {
    text_ += std::string(" ") + key + "=" + escape(value);
    return *this;
  }
  Line& add(const char* key, std::uint64_t value) { return add(key, std::to_string(value)); }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

class Fields {
 public:
  static std::optional<Fields> parse(const std::string& line) {
    Fields out;
    std::istringstream words(line);
    if (!(words >> out.verb_)) return std::nullopt;
    std::string word;
    while (words >> word) {
      const std::size_t equals = word.find('=');
      if (equals == std::string::npos) return std::nullopt;
      auto value = unescape(std::string_view(word).substr(equals + 1));
      if (!value || !out.values_.emplace(word.substr(0, equals), *value).second) {
        return std::nullopt;
      }
    }
    return out;
  }

  const std::string& verb() const { return verb_; }
  bool has(const char* key) const { return values_.contains(key); }
  std::optional<std::string> text(const char* key) const {
    const auto it = values_.find(key);
    if (it == values_.end()) return std::nullopt;
    return it->second;
  }
  std::optional<std::uint64_t> number(const char* key) const {
    const auto value = text(key);
    if (!value || value->empty()) return std::nullopt;
    std::uint64_t out = 0;
    const auto parsed = std::from_chars(value->data(), value->data() + value->size(), out);
    if (parsed.ec != std::errc{} || parsed.ptr != value->data() + value->size()) {
      return std::nullopt;
    }
    return out;
  }
  std::optional<std::uint32_t> number32(const char* key) const {
    const auto value = number(key);
    if (!value || *value > 0xffff'ffff) return std::nullopt;
    return static_cast<std::uint32_t>(*value);
  }
  std::optional<std::string> device() const {
    auto name = text("device");
    if (!name || !is_interface_name(*name)) return std::nullopt;
    return name;
  }

 private:
  std::string verb_;
  std::map<std::string, std::string> values_;
};

std::string line_of(const UndoLink& undo) {
  return Line("delete-link").add("device", undo.device).text();
}

std::string line_of(const UndoAddress& undo) {
  return Line("delete-address")
      .add("device", undo.device)
      .add("address", undo.address.to_string())
      .add("length", static_cast<std::uint64_t>(undo.length))
      .text();
}

std::string line_of(const UndoRoute& undo) {
  Line line("delete-route");
  line.add("device", undo.device)
      .add("destination", undo.route.destination.to_string())
      .add("table", undo.route.table)
      .add("kind", static_cast<std::uint64_t>(undo.route.kind))
      .add("metric", undo.route.metric);
  if (undo.route.gateway) line.add("gateway", undo.route.gateway->to_string());
  return line.text();
}

std::string line_of(const UndoRule& undo) {
  const Rule& rule = undo.rule;
  Line line("delete-rule");
  line.add("v6", rule.v6 ? 1U : 0U)
      .add("priority", rule.priority)
      .add("table", rule.table)
      .add("invert", rule.invert ? 1U : 0U);
  if (rule.fwmark) line.add("fwmark", *rule.fwmark).add("fwmask", rule.fwmask);
  if (rule.suppress_prefix_length) line.add("suppress", *rule.suppress_prefix_length);
  if (rule.protocol) line.add("protocol", std::uint64_t{*rule.protocol});
  if (rule.port) line.add("port", std::uint64_t{*rule.port});
  if (rule.to) line.add("to", rule.to->to_string());
  if (rule.from) line.add("from", rule.from->to_string());
  return line.text();
}

std::string line_of(const UndoResolvConf& undo) {
  return Line("restore-resolv-conf")
      .add("path", undo.path)
      .add("kind", static_cast<std::uint64_t>(undo.kind))
      .add("backup", undo.backup)
      .add("target", undo.target)
      .add("mode", undo.mode)
      .add("uid", undo.uid)
      .add("gid", undo.gid)
      .text();
}

std::string line_of(const UndoResolvedLink& undo) {
  return Line("revert-resolved-link").add("device", undo.device).add("bus", undo.bus).text();
}

std::string line_of(const UndoResolvconf& undo) {
  return Line("delete-resolvconf-record")
      .add("program", undo.program)
      .add("record", undo.record)
      .text();
}

std::string line_of(const UndoFile& undo) {
  return Line("remove-file").add("path", undo.path).text();
}

std::string line_of(const UndoFirewall& undo) {
  return Line("delete-nft-table").add("table", undo.table).text();
}

std::string line_of(const UndoValidMark& /*undo*/) { return Line("clear-src-valid-mark").text(); }

// Lists of texts: no text holds a NUL.
std::string joined(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) (out += text) += '\0';
  return out;
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string item; std::getline(in, item, '\0');) out.push_back(std::move(item));
  return out;
}

std::string line_of(const UndoScript& undo) {
  return Line("run-script")
      .add("argv", joined(undo.argv))
      .add("hooks", undo.hooks)
      .add("environment", joined(undo.environment))
      .text();
}

// What is run comes from our own file, which root alone can write; all the same a damaged line runs
// nothing.
std::optional<Undo> parse_script(const Fields& fields) {
  const auto argv = fields.text("argv");
  const auto hooks = fields.text("hooks");
  const auto environment = fields.text("environment");
  if (!argv || !hooks || !environment || argv->empty() == hooks->empty()) return std::nullopt;
  UndoScript undo{split(*argv), *hooks, split(*environment)};
  for (const std::string& variable : undo.environment) {
    if (variable.find('=') == std::string::npos) return std::nullopt;
  }
  if (!undo.argv.empty() && undo.argv.front().empty()) return std::nullopt;
  return undo;
}

std::optional<Undo> parse_address(const Fields& fields) {
  const auto device = fields.device();
  const auto text = fields.text("address");
  const auto address = text ? IpAddress::parse(*text) : std::nullopt;
  const auto length = fields.number("length");
  if (!device || !address || !length || *length > 128) return std::nullopt;
  return UndoAddress{*device, *address, static_cast<int>(*length)};
}

std::optional<Undo> parse_route(const Fields& fields) {
  const auto device = fields.device();
  const auto text = fields.text("destination");
  const auto destination = text ? Prefix::parse(*text) : std::nullopt;
  const auto table = fields.number32("table");
  const auto kind = fields.number("kind");
  const auto metric = fields.number32("metric");
  if (!device || !destination || !table || !kind || *kind > kRouteKindMax || !metric)
    return std::nullopt;
  UndoRoute undo{*device, {}};
  undo.route.destination = *destination;
  undo.route.table = *table;
  undo.route.kind = static_cast<RouteKind>(*kind);
  undo.route.metric = *metric;
  if (const auto gateway = fields.text("gateway")) {
    undo.route.gateway = IpAddress::parse(*gateway);
    if (!undo.route.gateway) return std::nullopt;
  }
  return undo;
}

// Without its port a rule to delete would be another one.
bool parse_ports(const Fields& fields, Rule& rule) {
  if (fields.has("protocol")) {
    const auto protocol = fields.number("protocol");
    if (!protocol || *protocol > 0xff) return false;
    rule.protocol = static_cast<std::uint8_t>(*protocol);
  }
  if (fields.has("port")) {
    const auto port = fields.number("port");
    if (!port || *port > 0xffff) return false;
    rule.port = static_cast<std::uint16_t>(*port);
  }
  return true;
}

std::optional<Undo> parse_rule(const Fields& fields) {
  const auto v6 = fields.number("v6");
  const auto priority = fields.number32("priority");
  const auto table = fields.number32("table");
  const auto invert = fields.number("invert");
  if (!v6 || !priority || !table || !invert) return std::nullopt;
  Rule rule;
  rule.v6 = *v6 != 0;
  rule.priority = *priority;
  rule.table = *table;
  rule.invert = *invert != 0;
  rule.fwmark = fields.number32("fwmark");
  rule.fwmask = fields.number32("fwmask").value_or(~0U);
  rule.suppress_prefix_length = fields.number32("suppress");
  if (!parse_ports(fields, rule)) return std::nullopt;
  for (const char* key : {"to", "from"}) {
    const auto text = fields.text(key);
    if (!text) continue;
    const auto prefix = Prefix::parse(*text);
    if (!prefix) return std::nullopt;
    (std::string_view(key) == "to" ? rule.to : rule.from) = prefix;
  }
  return UndoRule{rule};
}

std::optional<Undo> parse_resolv_conf(const Fields& fields) {
  const auto path = fields.text("path");
  const auto kind = fields.number("kind");
  const auto backup = fields.text("backup");
  const auto target = fields.text("target");
  const auto mode = fields.number32("mode");
  const auto uid = fields.number32("uid");
  const auto gid = fields.number32("gid");
  if (!path || path->empty() || !kind || *kind > 2 || !backup || !target || !mode || !uid || !gid) {
    return std::nullopt;
  }
  return UndoResolvConf{
      *path, static_cast<UndoResolvConf::Kind>(*kind), *backup, *target, *mode, *uid, *gid};
}

}  // namespace

std::string owner_line(const JournalOwner& owner) {
  return Line("owner")
      .add("pid", static_cast<std::uint64_t>(owner.pid))
      .add("boot", owner.boot_id)
      .add("start", owner.start_time)
      .text();
}

std::optional<JournalOwner> parse_owner(const std::string& line) {
  const auto fields = Fields::parse(line);
  if (!fields || fields->verb() != "owner") return std::nullopt;
  const auto pid = fields->number32("pid");
  const auto boot = fields->text("boot");
  const auto start = fields->number("start");
  if (!pid || *pid > 0x7fff'ffff || !boot || !start) return std::nullopt;
  return JournalOwner{static_cast<int>(*pid), *boot, *start};
}

std::string to_line(const Undo& undo) {
  return std::visit([](const auto& entry) { return line_of(entry); }, undo);
}

std::optional<Undo> parse_undo(const std::string& line) {
  const auto fields = Fields::parse(line);
  if (!fields) return std::nullopt;
  const std::string& verb = fields->verb();
  if (verb == "delete-address") return parse_address(*fields);
  if (verb == "delete-route") return parse_route(*fields);
  if (verb == "delete-rule") return parse_rule(*fields);
  if (verb == "restore-resolv-conf") return parse_resolv_conf(*fields);
  if (verb == "run-script") return parse_script(*fields);
  const auto device = fields->device();
  if (verb == "delete-link" && device) return UndoLink{*device};
  const auto bus = fields->text("bus");
  if (verb == "revert-resolved-link" && device && bus) return UndoResolvedLink{*device, *bus};
  const auto program = fields->text("program");
  const auto record = fields->text("record");
  if (verb == "delete-resolvconf-record" && program && record) {
    return UndoResolvconf{*program, *record};
  }
  const auto table = fields->text("table");
  if (verb == "delete-nft-table" && table && is_firewall_table(*table)) return UndoFirewall{*table};
  if (verb == "clear-src-valid-mark") return UndoValidMark{};
  const auto path = fields->text("path");
  if (verb == "remove-file" && path && !path->empty()) return UndoFile{*path};
  return std::nullopt;
}

}  // namespace godwit::platform
