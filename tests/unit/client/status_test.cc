// The JSON of `godwit status` has stable names; the text is made from it and survives any JSON.
#include "client/status.h"

#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "core/config/proposal.h"
#include "tests/support/source_dir.h"

using namespace godwit;
using namespace godwit::client;
using nlohmann::json;

namespace {

struct Tunnel {
  Tunnel() {
    profile.name = "office";
    profile.gateway = "vpn.example.com";
    profile.weak = {"modp1024", "aggressive-psk"};
    status.stage = session::Stage::kUp;
    status.aggressive = true;
    status.gateway = {*IpAddress::parse("203.0.113.2"), 4500};
    status.local = {*IpAddress::parse("192.168.77.10"), 4500};
    status.floated = true;
    status.nat.we_are_behind = true;
    status.natt = session::NattVersion::kRfc3947;
    status.gateway_identity = "gw.example";
    status.ike = crypto::IkeSuite{};
    status.esp = crypto::EspSuite{};
    status.inbound = EspSpi(0xc0ffee);
    status.outbound = EspSpi(0xbadcafe);
    status.addresses = {*Prefix::parse("10.99.0.1/32")};
    status.networks = {*Prefix::parse("10.50.0.0/24")};
    status.dns = {*IpAddress::parse("10.50.0.2")};
    status.mtu = 1400;
    status.up_for = 90s;
    status.esp_rekey_in = 7h;
    status.ike_expires_in = 23h;
    status.keepalives_sent = 3;
    traffic.packets_in = 12;
    traffic.bytes_in = 3400;
    drops.drop(Drop::kReplay);
    drops.drop(Drop::kReplay);
    packets.engine = "io_uring";
    packets.crypto = "mbedtls";
    packets.offloads = {{true, true, false}, true};
    packets.threads = true;
  }
  json to_json() const {
    return status_json({.profile = profile,
                        .session = status,
                        .traffic = traffic,
                        .drops = drops,
                        .packets = packets,
                        .device = "godwit0",
                        .resolver = "systemd-resolved",
                        .hardening = {true, false}});
  }
  config::Profile profile;
  session::Status status;
  session::TrafficFacts traffic;
  Counters drops;
  PacketPath::Statistics packets;
};

// What a reader of the schema would miss, or look for in vain: paths of members.
void compare(const json& schema, const json& value, const std::string& path, std::string& wrong) {
  if (!value.is_object() || !schema.contains("properties")) return;
  const json& properties = schema["properties"];
  for (const auto& [name, member] : value.items()) {
    if (properties.contains(name)) {
      compare(properties[name], member, path + "/" + name, wrong);
    } else {
      wrong += path + "/" + name + " is not in the schema\n";
    }
  }
  for (const json& name : schema.value("required", json::array())) {
    const auto text = name.get<std::string>();
    if (!value.contains(text)) wrong += path + "/" + text + " is not in the status\n";
  }
}

}  // namespace

TEST_CASE("the schema in the repository has the members of a status, no fewer and no more") {
  std::ifstream file(test::source_dir() + "/client/schema/status-1.json");
  const json schema = json::parse(file);
  std::string wrong;
  compare(schema["anyOf"][0], Tunnel().to_json(), "", wrong);
  CHECK(wrong == "");
}

TEST_CASE("schema 1: names and types that scripts rely on") {
  const json status = Tunnel().to_json();
  CHECK(status["schema"] == 1);
  CHECK(status["name"] == "office");
  CHECK(status["state"] == "up");
  CHECK(status["mode"] == "aggressive");
  CHECK(status["gateway"]["name"] == "vpn.example.com");
  CHECK(status["gateway"]["endpoint"] == "203.0.113.2:4500");
  CHECK(status["gateway"]["identity"] == "gw.example");
  CHECK(status["local"] == "192.168.77.10:4500");
  CHECK(status["floated"] == true);
  CHECK(status["hardening"]["memory_locked"] == true);
  CHECK(status["hardening"]["system_calls_filtered"] == false);
  CHECK(status["nat"]["we_are_behind"] == true);
  CHECK(status["nat"]["gateway_is_behind"] == false);
  CHECK(status["addresses"] == json::array({"10.99.0.1/32"}));
  CHECK(status["networks"] == json::array({"10.50.0.0/24"}));
  CHECK(status["dns"]["servers"] == json::array({"10.50.0.2"}));
  CHECK(status["mtu"] == 1400);
  CHECK(status["ike"]["suite"] == "aes256-sha256-modp2048");
  CHECK(status["ike"]["expires_in"] == 82800);
  CHECK(status["esp"]["suite"] == "aes128gcm16");
  CHECK(status["esp"]["spi_in"] == "0x00c0ffee");
  CHECK(status["esp"]["rekey_in"] == 25200);
  CHECK(status["up_for"] == 90);
  CHECK(status["heard_ago"].is_null());
  CHECK(status["keepalives_sent"] == 3);
  CHECK(status["traffic"]["in"]["packets"] == 12);
  CHECK(status["traffic"]["out"]["octets"] == 0);
  CHECK(status["engine"]["name"] == "io_uring");
  CHECK(status["engine"]["offloads"] == json::array({"tun-tcp", "udp-segment"}));
  CHECK(status["drops"] == json{{"replay", 2}});
  CHECK(status["weak"] == json::array({"modp1024", "aggressive-psk"}));
}

TEST_CASE("a tunnel that has just begun has the same names") {
  Tunnel tunnel;
  const json up = tunnel.to_json();
  tunnel.status = session::Status{};
  const json begun = tunnel.to_json();
  CHECK(begun["state"] == "idle");
  for (const auto& [key, value] : up.items()) CHECK(begun.contains(key));
}

TEST_CASE("the text says it in words") {
  const std::string text = status_text(Tunnel().to_json());
  for (const char* words :
       {"office is up", "Aggressive Mode", "203.0.113.2:4500 (gw.example)",
        "you are behind NAPT, the gateway is not", "10.99.0.1/32", "10.50.0.0/24",
        "10.50.0.2 through systemd-resolved", "0x00c0ffee, 0x0badcafe", "3.4 kB in 12 packets",
        "io_uring, tun-tcp, udp-segment", "mbedtls", "2 x a sequence number seen before",
        "too small to last", "guess the group key offline"}) {
    CAPTURE(words);
    CHECK(text.find(words) != std::string::npos);
  }
}

TEST_CASE("what a gateway called itself cannot drive the terminal") {
  Tunnel tunnel;
  tunnel.status.gateway_identity = "gw\x1b[2J\n\xff";
  tunnel.status.search_domains = {"a\x07"};
  const json status = tunnel.to_json();
  CHECK(status.dump().find('\x1b') == std::string::npos);
  CHECK(status_text(status).find('\x1b') == std::string::npos);
}

TEST_CASE("text from an answer of another version, or of nobody") {
  for (const char* odd :
       {"{}", R"({"name":1,"traffic":7,"drops":[],"nat":"x"})",
        R"({"traffic":{"in":{"octets":"x"},"out":{}},"up_for":"long","weak":[1,null,{}]})",
        R"({"drops":{"replay":"x"},"gateway":null,"dns":{"servers":5}})"}) {
    CAPTURE(odd);
    CHECK_FALSE(status_text(json::parse(odd)).empty());
  }
}

TEST_CASE("no member of an answer drives the terminal or overflows") {
  // U+009B is a control sequence of one character.
  const std::string text = status_text(
      json::parse(R"({"drops":{"replay":"\u009b2J"},"device":{"\u009b":1},"name":"\u001b"})"));
  for (const char c : text) CHECK((c == '\n' || (c >= 0x20 && c <= 0x7e)));
  for (const char* span : {"9223372036854775807", "18446744073709551615", "-1", "1e300", "true"}) {
    CAPTURE(span);
    const json status = json::parse(std::string(R"({"up_for":)") + span + "}");
    CHECK_FALSE(status_up_for(status));
    CHECK(status_text(status).find("up for") == std::string::npos);
  }
  CHECK(status_up_for(json::parse(R"({"up_for":61})")) == 61s);
  CHECK(status_state(json::parse(R"({"state":"up"})")) == "up");
  CHECK(status_state(json::parse(R"({"state":7})")).empty());
}

TEST_CASE("every weak choice that a profile can name has a reason") {
  for (const config::WeakChoice& weak : config::weak_choices()) {
    CAPTURE(weak.word);
    CHECK(weak_reason(std::string(weak.word)).size() > weak.word.size());
  }
}

TEST_CASE("a tunnel that is up says what it waits for") {
  Tunnel tunnel;
  CHECK(tunnel.to_json()["waits_for"].is_null());
  CHECK(status_text(tunnel.to_json()).find("waits for") == std::string::npos);
  tunnel.status.recovering = true;
  CHECK(tunnel.to_json()["waits_for"] == "gateway");
  CHECK(status_text(tunnel.to_json()).find("does not answer") != std::string::npos);
  tunnel.status.offline = true;  // without it nobody can answer
  CHECK(tunnel.to_json()["waits_for"] == "network");
  CHECK(status_text(tunnel.to_json()).find("no route to the gateway") != std::string::npos);
}

TEST_CASE("a tunnel for L2TP says what it carries") {
  Tunnel tunnel;
  CHECK(tunnel.to_json()["l2tp"] == false);
  CHECK(status_text(tunnel.to_json()).find("L2TP") == std::string::npos);
  tunnel.profile.l2tp = true;
  CHECK(tunnel.to_json()["l2tp"] == true);
  CHECK(status_text(tunnel.to_json()).find("L2TP to the gateway (UDP port 1701) only") !=
        std::string::npos);
}
