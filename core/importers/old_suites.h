// What clients of the time of Cisco's VPN 3000 propose without being asked.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace godwit::importers {

// AES with SHA-1; 3DES and MD5 behind it where the source asks for them by name.
struct OldSuites {
  bool triple_des = false;
  bool md5 = false;
};

std::vector<std::string> ike_of(OldSuites suites, std::string_view group);
std::vector<std::string> esp_of(OldSuites suites);

// "modp1024" for "2", "dh2" and "group2"; empty for none of them.
std::string group_of(std::string_view number);

}  // namespace godwit::importers
