#include "core/config/values.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace godwit::config {
namespace {

struct Unit {
  char letter;
  Duration length;
};

// Largest first, as duration_text() needs them.
constexpr std::array kUnits{Unit{'d', 24h}, Unit{'h', 1h}, Unit{'m', 1min}, Unit{'s', 1s}};

struct OctetUnit {
  std::string_view name;
  std::uint64_t octets;
};

// Those of 1024 first and largest first, as octets_text() needs them.
constexpr std::array kOctetUnits{
    OctetUnit{"TiB", 1ull << 40},          OctetUnit{"GiB", 1ull << 30},
    OctetUnit{"MiB", 1ull << 20},          OctetUnit{"KiB", 1ull << 10},
    OctetUnit{"TB", 1'000'000'000'000ull}, OctetUnit{"GB", 1'000'000'000ull},
    OctetUnit{"MB", 1'000'000ull},         OctetUnit{"kB", 1'000ull}};

// Far above every range the options have, far below an overflow of nanoseconds.
constexpr std::int64_t kSecondsMax = 1'000'000'000;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_alnum(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool is_label(std::string_view label) {
  if (label.empty() || label.size() > 63) return false;
  if (label.front() == '-' || label.back() == '-') return false;
  return std::all_of(label.begin(), label.end(), [](char c) { return is_alnum(c) || c == '-'; });
}

// 10.0.0.300 is a mistyped address and no name: no top-level domain is a number (RFC 1123 2.1).
bool is_all_digits_and_dots(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return is_digit(c) || c == '.'; });
}

std::string host_hint(std::string_view text) {
  if (text.find("://") != std::string_view::npos) return "write the name alone, without ://";
  const bool one_colon = std::count(text.begin(), text.end(), ':') == 1;
  if (one_colon) return "write the port as gateway-port";
  if (text.starts_with('[')) return "write an IPv6 address without brackets";
  const bool ascii = std::all_of(text.begin(), text.end(), [](char c) { return c >= 0; });
  if (!ascii) return "write the name in its ASCII form, xn--...";
  return "write a name such as \"vpn.example.com\" or an address";
}

Result<IpAddress, Fault> parse_address(std::string_view text, std::string example) {
  if (const auto address = IpAddress::parse(text)) return *address;
  return fail(Fault{quote(text) + " is not an IP address", "write it as " + quote(example)});
}

Result<Identity, Fault> check_identity(Identity id) {
  using Type = Identity::Type;
  const std::string shown = quote(id.text);
  const auto at = id.text.rfind('@');
  switch (id.type) {
    case Type::kIpv4: {
      const auto address = IpAddress::parse(id.text);
      if (address && address->is_v4()) return id;
      return fail(Fault{shown + " is not an IPv4 address",
                        "write four numbers, or another id-type such as \"key-id\""});
    }
    case Type::kFqdn:
      if (is_dns_name(id.text)) return id;
      return fail(Fault{shown + " is not a domain name",
                        "write a name, or id-type \"key-id\" to send this text as it is"});
    case Type::kUserFqdn:
      if (at == 0) {
        return fail(Fault{shown + " has nothing before the @",
                          "write a domain name without @, or id-type \"key-id\" for this text"});
      }
      if (at != std::string::npos && is_dns_name(std::string_view(id.text).substr(at + 1))) {
        return id;
      }
      return fail(Fault{shown + " is not of the form user@domain",
                        "write one, or id-type \"key-id\" to send this text as it is"});
    case Type::kKeyId:
      break;
  }
  return id;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

int hex_digit(char c) {
  c = lower(c);
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

}  // namespace

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<Duration> parse_duration(std::string_view text) {
  if (const auto seconds = parse_integer(text)) {
    if (*seconds < 0 || *seconds > kSecondsMax) return std::nullopt;
    return std::chrono::seconds(*seconds);
  }
  Duration sum{};
  Duration last = Duration::max();
  while (!text.empty()) {
    const auto digits = static_cast<std::size_t>(
        std::find_if_not(text.begin(), text.end(), is_digit) - text.begin());
    const auto number = parse_integer(text.substr(0, digits));
    if (!number || *number > kSecondsMax || digits >= text.size()) return std::nullopt;
    const char letter = text[digits];
    const auto* const unit = std::find_if(kUnits.begin(), kUnits.end(),
                                          [&](const Unit& u) { return u.letter == letter; });
    // 1h30m, but not 30m1h or 1h1h.
    if (unit == kUnits.end() || unit->length >= last) return std::nullopt;
    if (*number > std::chrono::seconds(kSecondsMax) / unit->length) return std::nullopt;
    sum += *number * unit->length;
    last = unit->length;
    text.remove_prefix(digits + 1);
  }
  if (last == Duration::max()) return std::nullopt;
  return sum;
}

std::optional<std::uint64_t> parse_octets(std::string_view text) {
  const auto digits =
      static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_digit) - text.begin());
  const auto number = parse_integer(text.substr(0, digits));
  const std::string_view unit = text.substr(digits);
  if (!number || *number < 0) return std::nullopt;
  const auto count = static_cast<std::uint64_t>(*number);
  if (unit.empty()) return count;
  for (const OctetUnit& known : kOctetUnits) {
    if (known.name != unit) continue;
    if (count > ~std::uint64_t{0} / known.octets) return std::nullopt;
    return count * known.octets;
  }
  return std::nullopt;
}

std::string octets_text(std::uint64_t octets) {
  for (const OctetUnit& unit : kOctetUnits) {
    if (unit.octets % 1024 != 0) break;
    if (octets != 0 && octets % unit.octets == 0) {
      return std::to_string(octets / unit.octets) + std::string(unit.name);
    }
  }
  return std::to_string(octets);
}

std::string duration_text(Duration duration) {
  for (const Unit& unit : kUnits) {
    if (duration > Duration::zero() && duration % unit.length == Duration::zero()) {
      return std::to_string(duration / unit.length) + unit.letter;
    }
  }
  return std::to_string(duration / 1s) + "s";
}

bool is_dns_name(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  if (text.empty() || text.size() > 253 || is_all_digits_and_dots(text)) return false;
  while (true) {
    const auto dot = text.find('.');
    const std::string_view label = text.substr(0, dot);
    if (!is_label(label)) return false;
    if (dot == std::string_view::npos) return !std::all_of(label.begin(), label.end(), is_digit);
    text.remove_prefix(dot + 1);
  }
}

std::optional<Fault> host_fault(std::string_view text) {
  if (const auto address = IpAddress::parse(text)) {
    if (!address->is_unspecified() && !address->is_multicast() && !address->is_broadcast()) {
      return std::nullopt;
    }
    return Fault{quote(text) + " is not the address of one host",
                 "write the address of the gateway"};
  }
  if (is_dns_name(text)) return std::nullopt;
  return Fault{quote(text) + " is neither a host name nor an address", host_hint(text)};
}

std::optional<Fault> domain_fault(std::string_view text) {
  if (is_dns_name(text)) return std::nullopt;
  const bool marked = text.starts_with('~') || text.starts_with('.') || text.starts_with('*');
  return Fault{quote(text) + " is not a domain name",
               marked ? "write the name alone, without ~, * or a leading dot"
                      : "write a name such as \"corp.example.com\""};
}

std::optional<Fault> interface_fault(std::string_view text) {
  if (text.size() > 15) {
    return Fault{quote(text) + " has " + std::to_string(text.size()) + " characters",
                 "the kernel takes at most 15"};
  }
  // % is a pattern to the kernel; : and / belong to aliases and paths.
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
    return is_alnum(c) || c == '-' || c == '_' || c == '.';
  });
  const bool taken = text == "." || text == ".." || text == "lo" || text == "all" ||
                     text == "default" || text.starts_with('-');
  if (plain && !taken) return std::nullopt;
  return Fault{quote(text) + " cannot name a tunnel device",
               "use letters, digits, - _ and . as in \"vpn0\""};
}

Result<IpAddress, Fault> parse_inner_address(std::string_view text) {
  const IpAddress address = GODWIT_TRY(parse_address(text, "10.9.8.7"));
  if (address.is_usable_unicast()) return address;
  return fail(Fault{quote(text) + " cannot be given to an interface",
                    "write the address the gateway expects this machine to have"});
}

Result<IpAddress, Fault> parse_dns_server(std::string_view text) {
  const IpAddress address = GODWIT_TRY(parse_address(text, "10.0.0.53"));
  if (address.is_usable_unicast() || address.is_loopback()) return address;
  return fail(Fault{quote(text) + " cannot be the address of a DNS server",
                    "write the address of one host"});
}

Result<Prefix, Fault> parse_network(std::string_view text) {
  const auto prefix = Prefix::parse(text);
  if (!prefix) {
    return fail(Fault{quote(text) + " is not a network", "write it as \"10.0.0.0/8\""});
  }
  const auto address = IpAddress::parse(text.substr(0, text.find('/')));
  if (address == prefix->address()) return *prefix;
  return fail(Fault{quote(text) + " has bits set behind the prefix length",
                    "write \"" + prefix->to_string() + "\""});
}

bool is_token_uri(std::string_view text) { return text.starts_with("pkcs11:"); }

bool is_pkcs12_name(std::string_view text) {
  if (text.size() < 4) return false;
  std::string end(text.substr(text.size() - 4));
  for (char& c : end) c = lower(c);
  return end == ".p12" || end == ".pfx";
}

Result<crypto::KeyPin, Fault> parse_pin(std::string_view text) {
  constexpr std::string_view kPrefix = "sha256:";
  const auto bad = [] {
    return fail(Fault{"a pin is sha256: and 64 hexadecimal digits",
                      "`godwit connect` shows the pin of a gateway that is not believed"});
  };
  if (!text.starts_with(kPrefix)) return bad();
  crypto::KeyPin pin{};
  std::size_t digits = 0;
  for (const char c : text.substr(kPrefix.size())) {
    if (c == ':' && digits % 2 == 0) continue;
    const int value = hex_digit(c);
    if (value < 0 || digits == 2 * pin.size()) return bad();
    pin[digits / 2] = static_cast<std::uint8_t>(pin[digits / 2] << 4 | value);
    ++digits;
  }
  if (digits != 2 * pin.size()) return bad();
  return pin;
}

std::string pin_text(const crypto::KeyPin& pin) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out = "sha256:";
  for (const std::uint8_t octet : pin) {
    out += kDigits[octet >> 4];
    out += kDigits[octet & 15];
  }
  return out;
}

std::string_view revocation_word(crypto::Revocation revocation) {
  switch (revocation) {
    case crypto::Revocation::kStrict:
      return "strict";
    case crypto::Revocation::kIfUri:
      return "ifuri";
    case crypto::Revocation::kOff:
      return "off";
    case crypto::Revocation::kRelaxed:
      break;
  }
  return "relaxed";
}

crypto::Revocation parse_revocation(std::string_view word) {
  using enum crypto::Revocation;
  for (const auto one : {kStrict, kIfUri, kOff}) {
    if (word == revocation_word(one)) return one;
  }
  return kRelaxed;
}

Result<Identity, Fault> parse_identity(std::string_view text, std::string_view type) {
  using Type = Identity::Type;
  Identity id{Type::kKeyId, std::string(text)};
  if (text.size() > 255) {
    return fail(
        Fault{"an identity of " + std::to_string(text.size()) + " octets", "at most 255 are sent"});
  }
  for (const Type known : {Type::kIpv4, Type::kFqdn, Type::kUserFqdn, Type::kKeyId}) {
    if (type != id_type_word(known)) continue;
    id.type = known;
    return check_identity(std::move(id));
  }
  const bool dotted = text.find('.') != std::string_view::npos;
  const auto address = IpAddress::parse(text);
  if (address && address->is_v6()) {
    return fail(Fault{quote(text) + " is an IPv6 address, which godwit does not send as identity",
                      "write id-type \"key-id\" to send it as text"});
  }
  if (address || (is_all_digits_and_dots(text) && std::count(text.begin(), text.end(), '.') == 3)) {
    id.type = Type::kIpv4;
  } else if (dotted && text.find('@') != std::string_view::npos) {
    id.type = Type::kUserFqdn;
  } else if (dotted && is_dns_name(text)) {
    id.type = Type::kFqdn;
  }
  return check_identity(std::move(id));
}

std::string_view id_type_word(Identity::Type type) {
  switch (type) {
    case Identity::Type::kIpv4:
      return "ipv4";
    case Identity::Type::kFqdn:
      return "fqdn";
    case Identity::Type::kUserFqdn:
      return "user-fqdn";
    case Identity::Type::kKeyId:
      return "key-id";
  }
  return "key-id";
}

std::optional<std::vector<std::string>> split_command(std::string_view text) {
  std::vector<std::string> words;
  std::optional<std::string> word;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote == 0 && (c == ' ' || c == '\t')) {
      if (word) words.push_back(std::move(*word));
      word.reset();
      continue;
    }
    if (!word) word.emplace();
    if (c == quote) {
      quote = 0;
    } else if (quote == 0 && (c == '\'' || c == '"')) {
      quote = c;
    } else if (c == '\\' && quote != '\'' && i + 1 < text.size()) {
      *word += text[++i];
    } else {
      *word += c;
    }
  }
  if (quote != 0) return std::nullopt;
  if (word) words.push_back(std::move(*word));
  if (words.empty() || words.front().empty()) return std::nullopt;
  return words;
}

std::string join_command(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) {
    if (!out.empty()) out += ' ';
    if (!word.empty() && word.find_first_of(" \t\"'\\") == std::string::npos) {
      out += word;
      continue;
    }
    out += '"';
    for (const char c : word) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    out += '"';
  }
  return out;
}

}  // namespace godwit::config
