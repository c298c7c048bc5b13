// The door of this room: the text of another client's configuration -> a profile of godwit, the
// files that belong to it, and what could not be carried over. Pure: reads and writes no file.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/base/secret.h"

namespace godwit::importers {

enum class Format : std::uint8_t { kVpnc, kPcf, kShrew, kMobileconfig, kSwanctl, kIpsecConf };

struct Source {
  std::string_view text;
  std::string file;               // what messages call it
  std::string stem;               // absolute path of the profile to be, without its ending
  std::string_view secrets = {};  // ipsec.secrets, which stands beside an ipsec.conf
  std::string connection = {};    // which one, of files that have several; empty: the only one
};

// One thing of the source that is not in the profile, or not as it was.
struct Remark {
  std::string file;
  int line = 0;        // from 1; 0: the file as a whole
  std::string what;    // the source's own word for it; never a secret
  std::string why;     // what has become of it
  std::string remedy;  // what to do; empty: nothing

  std::string to_string() const;  // file:line: what, why, remedy
};

// A file that the profile names: a key, a password, certificates. To be written with mode 0600.
struct Companion {
  std::string path;
  SecretBytes octets;
};

struct Imported {
  std::string profile;  // passes config::parse_profile()
  std::vector<Remark> remarks;
  std::vector<Companion> companions;
};

// Nothing useful came out.
struct Refusal {
  std::string what;    // begins with the file, and the line where there is one
  std::string remedy;  // what to do
};

inline constexpr std::size_t kSourceMax = 1 << 20;  // an Apple profile may hold certificates

// By what stands in the text. A refusal says why there is no format that godwit reads.
Result<Format, Refusal> detect(std::string_view text, std::string_view file);
std::string_view format_name(Format format);  // "vpnc.conf"
std::vector<Format> all_formats();

Result<Imported, Refusal> import_profile(Format format, const Source& source);

// vpnc's own file as a profile: its secrets stay where they are, and the profile says so by
// psk-source = "vpnc". `path` is absolute.
bool is_vpnc(std::string_view text);
Result<Imported, Refusal> read_vpnc_in_place(std::string_view text, const std::string& path);

// The secrets of a vpnc.conf, in the clear or as Cisco obfuscates them: the pre-shared key as
// psk-file would hold it, and the user's password. Nothing: the file has none that can be read.
std::optional<SecretBytes> vpnc_group_secret(std::string_view text);
std::optional<SecretBytes> vpnc_user_password(std::string_view text);

}  // namespace godwit::importers
