// The exit-code table and the sentences: complete, unique, never empty.
#include <doctest/doctest.h>

#include <set>
#include <string>

#include "client/exit_codes.h"
#include "client/report.h"
#include "client/words.h"

using namespace godwit;
using namespace godwit::client;
using session::EndCause;

namespace {

constexpr auto kLastCause = static_cast<int>(EndCause::kProtocol);

config::Profile profile() {
  config::Profile p;
  p.gateway = "vpn.example.com";
  p.ike = {crypto::IkeSuite{}};
  p.esp = {crypto::EspSuite{}};
  p.user = "alice";
  return p;
}

Endpoint endpoint(const char* address, std::uint16_t port) {
  return Endpoint{*IpAddress::parse(address), port};
}

}  // namespace

TEST_CASE("exit codes are unique and every row has words") {
  std::set<int> numbers;
  std::set<std::string> sentences;
  std::set<std::string> slugs;
  for (const auto& row : exit_code_table()) {
    CHECK(numbers.insert(number(row.code)).second);
    CHECK(slugs.insert(std::string(row.slug)).second);
    CHECK_FALSE(row.sentence.empty());
    CHECK_FALSE(row.remedy.empty());
    CHECK(row.slug.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") ==
          std::string_view::npos);
  }
}

TEST_CASE("numbers that scripts rely on do not change") {
  CHECK(number(ExitCode::kOk) == 0);
  CHECK(number(ExitCode::kUsage) == 2);
  CHECK(number(ExitCode::kProfile) == 3);
  CHECK(number(ExitCode::kPermission) == 4);
  CHECK(number(ExitCode::kNotConnected) == 5);
  CHECK(number(ExitCode::kAlreadyConnected) == 6);
  CHECK(number(exit_code(EndCause::kNoAnswer)) == 11);
  CHECK(number(exit_code(EndCause::kProposalRefused)) == 13);
  CHECK(number(exit_code(EndCause::kGatewayAuthFailed)) == 14);
  CHECK(number(exit_code(EndCause::kUserRejected)) == 16);
  CHECK(number(exit_code(EndCause::kNoAnswerAfterFloat)) == 23);
  CHECK(number(exit_code(EndCause::kGatewayLost)) == 40);
  CHECK(number(ExitCode::kInterrupted) == 130);
}

TEST_CASE("every end has its own exit code, a sentence and a remedy") {
  std::set<int> numbers;
  std::set<std::string> sentences;
  for (int cause = 0; cause <= kLastCause; ++cause) {
    const session::EndReason reason{static_cast<EndCause>(cause), session::Stage::kPhase1, 0};
    const auto failure = explain(reason, profile());
    CHECK(failure.code != ExitCode::kInternal);
    CHECK(failure.code != ExitCode::kOk);
    // What is wrong with a certificate, or with the way around NATs, is told by the sentence.
    const bool shared =
        failure.code == ExitCode::kGatewayCertificate || failure.code == ExitCode::kNoNatTraversal;
    CHECK((numbers.insert(number(failure.code)).second || shared));
    CHECK(sentences.insert(failure.what).second);
    CHECK_FALSE(failure.what.empty());
    CHECK_FALSE(failure.remedy.empty());
  }
}

TEST_CASE("an end names what was offered and what the gateway said") {
  const auto p = profile();
  const auto refused = explain({EndCause::kProposalRefused, session::Stage::kPhase1, 14}, p);
  CHECK(refused.what.find("NO-PROPOSAL-CHOSEN (14)") != std::string::npos);
  CHECK(refused.what.find("aes256-sha256-modp2048") != std::string::npos);
  const auto phase2 = explain({EndCause::kPhase2Refused, session::Stage::kQuickMode, 0}, p);
  CHECK(phase2.what.find("aes128gcm16") != std::string::npos);
  CHECK(phase2.what.find("no PFS") != std::string::npos);
  const auto natt = explain({EndCause::kNoNatTraversal, session::Stage::kPhase1, 0, "draft 99"}, p);
  CHECK(natt.what.find("by draft 99, which godwit does not speak") != std::string::npos);
  const auto user = explain({EndCause::kUserRejected, session::Stage::kXauth, 0}, p);
  CHECK(user.what.find("alice") != std::string::npos);
}

TEST_CASE("a notify of RFC 2408 3.14.1 is named in every stage, and its remedy fits the stage") {
  using session::Stage;
  for (std::uint16_t notify = 1; notify <= 30; ++notify) {
    for (const Stage stage : {Stage::kPhase1, Stage::kPhase1Auth, Stage::kXauth, Stage::kModeConfig,
                              Stage::kQuickMode}) {
      for (const EndCause cause : {EndCause::kWeAreRefused, EndCause::kProposalRefused,
                                   EndCause::kGatewayAuthFailed, EndCause::kPhase2Refused}) {
        const auto failure = explain({cause, stage, notify}, profile());
        CHECK(failure.what.find(notify_name(notify)) != std::string::npos);
        CHECK_FALSE(failure.remedy.empty());
      }
    }
  }
  auto p = profile();
  const auto remedy = [&p](EndCause cause, Stage stage, std::uint16_t notify) {
    return explain({cause, stage, notify}, p).remedy;
  };
  const auto says = [](const std::string& text, std::string_view word) {
    return text.find(word) != std::string::npos;
  };
  CHECK(says(remedy(EndCause::kWeAreRefused, Stage::kPhase1, 7), "mode = \"aggressive\""));
  CHECK(says(remedy(EndCause::kWeAreRefused, Stage::kPhase1Auth, 18), "`id-type`"));
  CHECK(says(remedy(EndCause::kWeAreRefused, Stage::kPhase1Auth, 24), "pre-shared key"));
  CHECK(says(remedy(EndCause::kGatewayAuthFailed, Stage::kPhase1Auth, 16), "pre-shared key"));
  CHECK(says(remedy(EndCause::kProposalRefused, Stage::kPhase1, 14), "`ike`"));
  CHECK(says(remedy(EndCause::kPhase2Refused, Stage::kQuickMode, 14), "`pfs`"));
  p.auth = config::Authentication::kCertificate;
  CHECK(says(remedy(EndCause::kWeAreRefused, Stage::kPhase1Auth, 24), "certificate"));
  CHECK(says(remedy(EndCause::kWeAreRefused, Stage::kPhase1Auth, 22), "authority"));
  CHECK_FALSE(says(remedy(EndCause::kWeAreRefused, Stage::kPhase1Auth, 23), "pre-shared"));
}

TEST_CASE("a HASH_R that does not fit in Aggressive Mode is a wrong key or an unknown group") {
  auto p = profile();
  p.aggressive = true;
  p.local_id = {config::Identity::Type::kKeyId, "sales"};
  const auto failure = explain({EndCause::kGatewayAuthFailed, session::Stage::kPhase1, 0}, p);
  CHECK(failure.what.find("pre-shared key (HASH_R)") != std::string::npos);
  CHECK(failure.what.find("does not know the group") != std::string::npos);
  CHECK(failure.what.find("the group sales") != std::string::npos);
  CHECK(failure.remedy.find("check the pre-shared key") != std::string::npos);
}

TEST_CASE("IKE1-39: a short pre-shared key is warned of") {
  CHECK(psk_warning(20).empty());
  CHECK(psk_warning(64).empty());
  CHECK(psk_warning(19).find("19 octets") != std::string::npos);
  CHECK_FALSE(psk_warning(1).empty());
}

TEST_CASE("a redirect that nobody proved is told apart from one in a circle") {
  const auto circle = explain({EndCause::kRedirected, session::Stage::kXauth, 0}, profile());
  CHECK(circle.what.find("from one to another") != std::string::npos);
  const auto claim = explain({EndCause::kRedirected, session::Stage::kPhase1, 40501}, profile());
  CHECK(claim.what.find("does not prove") != std::string::npos);
  CHECK(claim.what.find("CISCO-LOAD-BALANCE (40501)") != std::string::npos);
  CHECK(number(claim.code) == 29);
}

TEST_CASE("a port that the profile does not allow is named, with the key to allow it") {
  session::EndReason reason{EndCause::kEncapsulationPort, session::Stage::kModeConfig, 0};
  reason.port = 12000;
  const auto end = explain(reason, profile());
  CHECK(end.what.find("port 12000, and the profile allows 10000") != std::string::npos);
  CHECK(end.remedy.find("cisco-udp-port = 12000") != std::string::npos);
  CHECK(number(end.code) == 24);
}

TEST_CASE("silence names the backups that were silent too") {
  auto p = profile();
  p.backup_gateways = {"vpn2.example"};
  const auto silent = explain({EndCause::kNoAnswer, session::Stage::kPhase1, 0}, p);
  CHECK(silent.what.find("nor from vpn2.example") != std::string::npos);
}

TEST_CASE("every event has one sentence") {
  const std::vector<session::Event> events = {
      session::Phase1Started{true, endpoint("192.0.2.1", 500)},
      session::PeerAnswered{{}, session::NattVersion::kRfc3947, true, true, true, "FortiGate"},
      session::NatFound{true, false, false},
      session::Floated{endpoint("10.0.0.1", 4500), endpoint("192.0.2.1", 4500)},
      session::GatewayShows{"CN=gw.example"},
      session::GatewayAuthenticated{"gw.example"},
      session::UserAccepted{},
      session::GatewayMessage{"hello"},
      session::AddressAssigned{},
      session::FamilyRefused{true, {EndCause::kSelectorsRefused, session::Stage::kQuickMode, 18}},
      session::SaInstalled{},
      session::TunnelUp{},
      session::PeerMoved{endpoint("192.0.2.1", 4500), endpoint("192.0.2.2", 4500)},
      session::Retransmitting{2, 5},
      session::HintReceived{14},
      session::GatewayRedirects{*IpAddress::parse("192.0.2.1"), *IpAddress::parse("192.0.2.2")},
      session::TryingGateway{*IpAddress::parse("192.0.2.2")},
      session::NothingArrives{},
      session::GatewaySilent{},
      session::GatewayAlive{},
      session::ConnectingAnew{{EndCause::kGatewayLost, session::Stage::kUp, 0}},
      session::NetworkGone{},
      session::NetworkBack{},
      session::AddressChanged{},
      session::UserNotProved{{EndCause::kInputNeeded, session::Stage::kXauth, 0}, 4h, true}};
  CHECK(events.size() == std::variant_size_v<session::Event>);
  for (const auto& event : events) {
    const auto line = sentence(event);
    CHECK_FALSE(line.empty());
    CHECK(line.find('\n') == std::string::npos);
  }
}

TEST_CASE("a user who is not proved again, and what no user can answer") {
  CHECK(
      sentence(
          session::UserNotProved{{EndCause::kInputNeeded, session::Stage::kXauth, 0}, 4h, true}) ==
      "the gateway asked for the user again, and nobody here can answer; the tunnel ends in 4 h 0 "
      "min, another attempt comes in 2 h 0 min");
  CHECK(sentence(session::UserNotProved{
            {EndCause::kUserRejected, session::Stage::kXauth, 0}, 10min, false}) ==
        "the gateway asked for the user again and refused him; the tunnel ends in 10 min");
  session::EndReason reason{EndCause::kInputNeeded, session::Stage::kXauth, 0};
  reason.asked = "CHAP without a challenge";
  CHECK(explain(reason, config::Profile()).what == "the gateway asks for CHAP without a challenge");
}

TEST_CASE("the NAT findings are told from the user's side") {
  CHECK(sentence(session::NatFound{true, false, false}) ==
        "you are behind NAPT, the gateway is not");
  CHECK(sentence(session::NatFound{false, true, false}) ==
        "the gateway is behind NAPT, you are not");
  CHECK(sentence(session::NatFound{true, true, false}) ==
        "you are behind NAPT, the gateway says it is too (some say so only to get ESP in UDP)");
  CHECK(sentence(session::NatFound{false, false, false}) == "no NAPT between you and the gateway");
}

TEST_CASE("what a gateway says cannot drive the terminal") {
  CHECK(printable("a\x1b[2Jb\x07\nc\x80") == "a\\x1b[2Jb\\x07 c\\x80");
  CHECK(sentence(session::GatewayMessage{"\x1b]0;x\x07"}).find('\x1b') == std::string::npos);
}

TEST_CASE("spans and octets in words") {
  CHECK(words(Duration(-5s)) == "0 s");
  CHECK(words(Duration(59s)) == "59 s");
  CHECK(words(Duration(61s)) == "1 min");
  CHECK(words(Duration(3h + 5min)) == "3 h 5 min");
  CHECK(words(Duration(50h)) == "2 d 2 h");
  CHECK(words_of_octets(999) == "999 octets");
  CHECK(words_of_octets(1500) == "1.5 kB");
  CHECK(words_of_octets(~std::uint64_t{0}) == "18.4 EB");
}
