#include "core/importers/importers.h"

#include <algorithm>
#include <array>

#include "core/importers/formats.h"
#include "core/importers/text.h"

namespace godwit::importers {
namespace {

struct Row {
  Format format;
  std::string_view name;
  bool (*recognises)(std::string_view text);
  Result<Imported, Refusal> (*import)(const Source& source);
};

// In the order in which they are asked.
constexpr std::array kFormats{
    Row{Format::kMobileconfig, "Apple .mobileconfig", is_mobileconfig, import_mobileconfig},
    Row{Format::kPcf, "Cisco .pcf", is_pcf, import_pcf},
    Row{Format::kShrew, "Shrew .vpn", is_shrew, import_shrew},
    Row{Format::kVpnc, "vpnc.conf", is_vpnc, import_vpnc},
    Row{Format::kSwanctl, "swanctl.conf", is_swanctl, import_swanctl},
    Row{Format::kIpsecConf, "ipsec.conf", is_ipsec_conf, import_ipsec_conf},
};

const Row& row_of(Format format) {
  return *std::find_if(kFormats.begin(), kFormats.end(),
                       [&](const Row& row) { return row.format == format; });
}

// Windows' editors put it before UTF-8.
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

std::string known_formats() {
  std::string out;
  for (const Row& row : kFormats) out += (out.empty() ? "" : ", ") + std::string(row.name);
  return out;
}

// What is not text as godwit reads it, each with the way out.
std::optional<Refusal> not_text(std::string_view text, const std::string& file) {
  if (text.size() > kSourceMax) {
    return Refusal{file + ": has more than " + std::to_string(kSourceMax) + " octets",
                   "is this the right file?"};
  }
  if (trim(text).empty()) return Refusal{file + ": is empty", "is this the right file?"};
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff")) {
    return Refusal{file + ": is written in UTF-16", "iconv -f UTF-16 -t UTF-8 FILE > NEW"};
  }
  if (text.starts_with("bplist")) {
    return Refusal{file + ": is a property list in binary form",
                   "make it XML: plistutil -i FILE -o NEW, or plutil -convert xml1 on a Mac"};
  }
  if (text.starts_with("0\x80") || text.starts_with("0\x82") || text.starts_with("0\x83")) {
    return Refusal{file + ": is signed",
                   "take it out: openssl cms -verify -noverify -inform DER -in FILE -out NEW"};
  }
  if (text.find('\0') != text.npos) {
    return Refusal{file + ": is not text", "godwit imports " + known_formats()};
  }
  return std::nullopt;
}

}  // namespace

Result<Format, Refusal> detect(std::string_view text, std::string_view file) {
  const std::string name(file);
  if (auto refusal = not_text(text, name)) return fail(std::move(*refusal));
  for (const Row& row : kFormats) {
    if (row.recognises(text)) return row.format;
  }
  return fail(
      Refusal{name + ": is in no format that is known", "godwit imports " + known_formats()});
}

std::string_view format_name(Format format) { return row_of(format).name; }

std::vector<Format> all_formats() {
  std::vector<Format> out;
  for (const Row& row : kFormats) out.push_back(row.format);
  return out;
}

Result<Imported, Refusal> import_profile(Format format, const Source& source) {
  if (auto refusal = not_text(source.text, source.file)) return fail(std::move(*refusal));
  Source plain = source;
  if (plain.text.starts_with(kByteOrderMark)) plain.text.remove_prefix(kByteOrderMark.size());
  return row_of(format).import(plain);
}

}  // namespace godwit::importers
