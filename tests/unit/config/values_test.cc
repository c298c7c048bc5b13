#include "core/config/values.h"

#include <doctest/doctest.h>

#include <array>

#include "core/config/nearest.h"
#include "core/config/proposal.h"

namespace godwit::config {

TEST_CASE("pins: with and without colons, in both cases; nothing else") {
  std::string digits;
  for (int i = 0; i < 32; ++i) digits += "aB";
  const auto pin = parse_pin("sha256:" + digits);
  REQUIRE(pin);
  CHECK((*pin)[31] == 0xab);
  CHECK(pin_text(*pin).size() == 7 + 64);
  CHECK(parse_pin(pin_text(*pin)) == pin);
  std::string colons = "sha256:AB";
  for (int i = 1; i < 32; ++i) colons += ":AB";
  CHECK(parse_pin(colons) == pin);
  for (const std::string& bad :
       {digits, "sha1:" + digits, "sha256:" + digits + "0", "sha256:" + digits.substr(1),
        "sha256:" + digits + "00", "sha256:a:b" + digits.substr(2), std::string("sha256:")}) {
    CHECK_FALSE(parse_pin(bad));
  }
}

TEST_CASE("PKCS#12 files are known by their names, tokens by their URIs") {
  for (const auto* name : {"/a.p12", "/a.P12", "/a.pfx", "/a b.Pfx"}) CHECK(is_pkcs12_name(name));
  for (const auto* name : {"/a.pem", "p12", "/p12", "/a.p12.pem", ""}) {
    CHECK_FALSE(is_pkcs12_name(name));
  }
  CHECK(is_token_uri("pkcs11:token=a"));
  CHECK_FALSE(is_token_uri("/pkcs11:"));
}

TEST_CASE("nearest finds slips of the keyboard and nothing else") {
  constexpr std::array<std::string_view, 4> kWords{"psk-file", "password-file", "id", "mtu"};
  CHECK(nearest("psk-fiel", kWords) == "psk-file");
  CHECK(nearest("pskfile", kWords) == "psk-file");
  CHECK(nearest("pasword-file", kWords) == "password-file");
  CHECK(nearest("mut", kWords) == "mtu");
  CHECK(nearest("di", kWords) == "id");
  CHECK(nearest("zebra", kWords).empty());
  CHECK(nearest("x", kWords).empty());
  CHECK(nearest("", kWords).empty());
  CHECK(nearest(std::string(100'000, 'p'), kWords).empty());
}

TEST_CASE("edit distance counts inserts, removals, changes and swaps") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("abc", "") == 3);
  CHECK(edit_distance("abc", "acb") == 1);
  CHECK(edit_distance("kitten", "sitting") == 3);
}

TEST_CASE("durations") {
  CHECK(parse_duration("8h") == 8h);
  CHECK(parse_duration("90m") == 90min);
  CHECK(parse_duration("3600s") == 1h);
  CHECK(parse_duration("3600") == 1h);
  CHECK(parse_duration("1h30m") == 90min);
  CHECK(parse_duration("7d") == 168h);
  CHECK(parse_duration("0") == Duration::zero());
  for (const auto* wrong : {"", "h", "8h8", "8h8h", "30m1h", "8 h", "-8h", "8H", "1.5h", "8hx",
                            "+5s", "99999999999999999999s", "999999999999d", "999999999d", "-1"}) {
    INFO(wrong);
    CHECK_FALSE(parse_duration(wrong));
  }
  CHECK(duration_text(24h) == "1d");
  CHECK(duration_text(8h) == "8h");
  CHECK(duration_text(90min) == "90m");
  CHECK(duration_text(61s) == "61s");
  CHECK(duration_text(0s) == "0s");
}

TEST_CASE("domain names") {
  for (const auto* name : {"a", "corp.example.com", "x-1.example", "corp.example.com.", "1a.2b.net",
                           "xn--bcher-kva.example"}) {
    INFO(name);
    CHECK(is_dns_name(name));
  }
  for (const std::string& name :
       {std::string(), std::string("."), std::string("a..b"), std::string("-a.com"),
        std::string("a-.com"), std::string("a_b.com"), std::string("10.0.0.300"),
        std::string("host.123"),
        std::string("b\xc3\xbc"
                    "cher.example"),
        std::string(64, 'a') + ".com", std::string("a b"), std::string(254, 'a')}) {
    INFO(name);
    CHECK_FALSE(is_dns_name(name));
  }
}

TEST_CASE("identities are recognised") {
  using Type = Identity::Type;
  const auto type = [](std::string_view text, std::string_view word) {
    const auto id = parse_identity(text, word);
    REQUIRE(id.has_value());
    CHECK(id->text == text);
    return id->type;
  };
  CHECK(type("192.0.2.1", "auto") == Type::kIpv4);
  CHECK(type("vpn.example.com", "auto") == Type::kFqdn);
  CHECK(type("alice@example.com", "auto") == Type::kUserFqdn);
  CHECK(type("sales", "auto") == Type::kKeyId);
  CHECK(type("alice@office", "auto") == Type::kKeyId);
  CHECK(type("My Group v1.0", "auto") == Type::kKeyId);
  CHECK(type("laptop", "fqdn") == Type::kFqdn);
  CHECK(type("alice@office", "user-fqdn") == Type::kUserFqdn);
  CHECK(type("192.0.2.1", "key-id") == Type::kKeyId);
  for (const auto& pair : {std::pair{"192.0.2.300", "auto"},
                           {"2001:db8::1", "auto"},
                           {"@vpn.example.com", "auto"},
                           {"vpn.example.com", "ipv4"},
                           {"a b", "fqdn"},
                           {"alice", "user-fqdn"},
                           {"alice@", "user-fqdn"}}) {
    INFO(pair.first, " ", pair.second);
    CHECK_FALSE(parse_identity(pair.first, pair.second));
  }
  CHECK_FALSE(parse_identity(std::string(256, 'x'), "key-id"));
}

TEST_CASE("proposals in strongSwan's syntax") {
  using crypto::DhGroup;
  using crypto::HashAlg;
  const auto ike = parse_ike_proposal("aes192-sha384-dh20");
  REQUIRE(ike.has_value());
  CHECK(*ike == crypto::IkeSuite{{192}, HashAlg::kSha384, DhGroup::kEcp384});
  CHECK(to_text(*ike) == "aes192-sha384-ecp384");
  CHECK(parse_ike_proposal("AES128-SHA-MODP1024") == parse_ike_proposal("aes-sha1-dh2"));
  const auto gcm = parse_esp_proposal("aes128gcm128");
  REQUIRE(gcm.has_value());
  CHECK(to_text(*gcm) == "aes128gcm16");
  CHECK_FALSE(gcm->integrity.has_value());
  const auto cbc = parse_esp_proposal("aes256-sha512");
  REQUIRE(cbc.has_value());
  CHECK(cbc->integrity == HashAlg::kSha512);
  CHECK(to_text(*cbc) == "aes256-sha512");
  CHECK(parse_group("dh14") == DhGroup::kModp2048);
  CHECK(parse_group("dh18") == DhGroup::kModp8192);
}

TEST_CASE("sizes") {
  CHECK(parse_octets("4GiB") == 4ull << 30);
  CHECK(parse_octets("500MB") == 500'000'000ull);
  CHECK(parse_octets("1024") == 1024u);
  CHECK(parse_octets("0") == 0u);
  for (const char* text : {"", "GiB", "-1", "-1MiB", "4gib", "4 GiB", "1.5GiB", "4GiB1MiB",
                           "99999999TiB", "99999999999999999999", "0x10"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_octets(text));
  }
  CHECK(octets_text(4ull << 30) == "4GiB");
  CHECK(octets_text(3ull << 20) == "3MiB");
  CHECK(octets_text(500'000'000) == "500000000");
  CHECK(octets_text(0) == "0");
}

TEST_CASE("weak and odd algorithms, and what makes them need a word") {
  const auto old = parse_ike_proposal("3des-md5-modp1024");
  REQUIRE(old.has_value());
  CHECK(old->cipher.block() == 8);
  CHECK(old->cipher.key_size() == 24);
  CHECK(to_text(*old) == "3des-md5-modp1024");
  const auto esp = parse_esp_proposal("3des-md5");
  REQUIRE(esp.has_value());
  CHECK(to_text(*esp) == "3des-md5");
  CHECK(esp->iv_size() == 8);
  const auto cut = parse_esp_proposal("aes256-sha256_96");
  REQUIRE(cut.has_value());
  CHECK(to_text(*cut) == "aes256-sha256_96");
  CHECK(cut->icv_size() == 12);
  CHECK_FALSE(parse_ike_proposal("aes256-sha256_96-modp2048"));
  std::string words;
  for (const WeakChoice& weak : weak_choices()) {
    if (makes(weak, *old)) words += std::string(weak.word) + " ";
    if (makes(weak, *esp)) words += std::string(weak.word) + "(esp) ";
    CHECK_FALSE(makes(weak, *parse_ike_proposal("aes128-sha1-modp2048")));
    CHECK_FALSE(makes(weak, *cut));
  }
  CHECK(words == "modp1024 3des 3des(esp) md5 md5(esp) ");
}

TEST_CASE("proposals as vendors' manuals write them") {
  const auto ike = [](std::string_view text) {
    const auto suite = parse_ike_proposal(text);
    return suite ? to_text(*suite) : suite.error().at(0).message;
  };
  CHECK(ike("AES-256-CBC-SHA-256-Group14") == "aes256-sha256-modp2048");  // Juniper, ScreenOS
  CHECK(ike("aes256-sha2;modp2048") == "aes256-sha256-modp2048");         // libreswan
  CHECK(ike("aes256-sha2_512;dh19") == "aes256-sha512-ecp256");
  CHECK(ike("aes-128-hmac-sha1-group-2") == "aes128-sha1-modp1024");
  CHECK(ike("3des-cbc-hmac-md5-dh-5") == "3des-md5-modp1536");
  CHECK(ike("aes192-sha2-384-dh20") == "aes192-sha384-ecp384");
  CHECK(ike("aes-256-group14") == "\"aes-256-group14\" has no hash");
  const auto gcm = parse_esp_proposal("aes-256-gcm");
  REQUIRE(gcm.has_value());
  CHECK(to_text(*gcm) == "aes256gcm16");
  // Words that only look like parts of one.
  for (const char* text : {"aes-256-256-sha1-dh2", "cbc-aes256-sha1-dh2", "hmac", "group", "dh-",
                           "sha-aes256-1-dh2", "gcm-aes256-dh2", "aes256-sha1-group99", "-", ";"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_ike_proposal(text));
  }
}

TEST_CASE("what is wrong with a proposal is said word by word") {
  const auto ike = [](std::string_view text) {
    const auto result = parse_ike_proposal(text);
    REQUIRE_FALSE(result.has_value());
    std::string all;
    for (const Fault& fault : result.error()) all += fault.message + "; " + fault.hint + "\n";
    return all;
  };
  CHECK(ike("des-md5-modp768") ==
        "godwit does not offer des; use aes256\n"
        "godwit does not offer modp768; use modp2048\n");
  CHECK(ike("aes256-sha265-modp2048") ==
        "unknown algorithm \"sha265\"; did you mean \"sha256\"?\n");
  CHECK(ike("aes256gcm16-sha256-modp2048") ==
        "IKEv1 does not encrypt its own messages with AES-GCM; use aes256-sha256\n");
  CHECK(ike("sha256-modp2048") ==
        "\"sha256-modp2048\" has no cipher; write \"aes256-sha256-modp2048\"\n");
  CHECK(ike("aes256-sha256") ==
        "\"aes256-sha256\" has no Diffie-Hellman group; write "
        "\"aes256-sha256-modp2048\"\n");
  CHECK(ike("aes256-aes128-sha1-modp2048") ==
        "two ciphers in one proposal; write each combination as a proposal of its own\n");
  CHECK(ike("---------------").find("too many words") != std::string::npos);
  const auto esp = [](std::string_view text) {
    const auto result = parse_esp_proposal(text);
    REQUIRE_FALSE(result.has_value());
    return result.error().at(0).message + "; " + result.error().at(0).hint;
  };
  CHECK(esp("aes256-sha256-modp2048") ==
        "\"aes256-sha256-modp2048\" names a group; write pfs = \"modp2048\" and leave it out here");
  CHECK(esp("aes256gcm16-sha256") ==
        "\"aes256gcm16-sha256\" names a hash, but AES-GCM needs none; write \"aes256gcm16\"");
  CHECK(esp("aes256") == "\"aes256\" has no hash; write \"aes256-sha256\"");
  CHECK(esp("des-sha1") == "godwit does not offer des; use aes256");
}

}  // namespace godwit::config
