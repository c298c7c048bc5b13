// What a simulated gateway is configured to do, and one switch for each of its lies.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/instant.h"
#include "core/crypto/certificate.h"
#include "core/crypto/suite.h"
#include "core/ike/wire/payloads.h"
#include "core/net/address.h"
#include "tests/sim/key_exchange.h"

namespace godwit::sim {

// kDraft02n: with the newline in its vendor ID that the draft prints.
enum class Natt : std::uint8_t { kNone, kDraft02, kDraft02n, kDraft03, kRfc3947 };

// The steps at which a gateway can fall silent or refuse.
enum class Step : std::uint8_t {
  kNever,
  kMessage1,  // Main 1 or Aggressive 1
  kMessage3,  // Main 3 or Aggressive 3
  kMessage5,  // Main 5
  kXauth,     // the answer to the user's credentials
  kModeConfig,
  kQuick,
  kDpd,  // and everything else once the tunnel is up, ESP included
};

// One switch per lie: what no honest gateway does. All off by default.
struct Lies {
  bool wrong_hash_r = false;         // HASH_R with some bits turned; with a signature it is signed
  bool wrong_signature = false;      // SIG_R with a bit turned
  bool wrong_hash_2 = false;         // HASH(2) of Quick Mode with one bit turned
  bool unoffered_transform = false;  // phase 1 answers with a suite nobody offered
  bool other_key_length = false;     // phase 1 answers with another AES key length
  bool two_transforms = false;       // phase 1 answers with two of the offers
  bool second_sa = false;            // the answer holds two SA payloads
  bool wrong_nat_d = false;          // NAT-D payloads that match nothing
  bool short_nat_d = false;          // NAT-D payloads of four octets
  bool no_nat_d = false;             // none, although the vendor ID promised them
  bool stale_cookie = false;         // the responder cookie changes after the first answer
  bool zero_key = false;             // a KE payload of zeros
  bool short_nonce = false;          // a nonce of seven octets
  bool unknown_payloads = false;     // payloads that the exchange has no place for
  bool plaintext_delete = false;     // a Delete without protection, sent once phase 1 is done
  bool plaintext_notify = false;     // AUTHENTICATION-FAILED without protection, before each answer
  bool answers_twice = false;        // every answer is sent twice
  bool esp_spi_zero = false;         // Quick Mode answers with SPI 0
  bool esp_spi_echoed = false;       // Quick Mode answers with the client's own SPI
  bool esp_other_suite = false;      // Quick Mode answers with a suite nobody offered
  bool esp_other_ids = false;        // Quick Mode answers with another client address
  bool l2tp_other_port = false;      // ... with another port of ours
  bool l2tp_network = false;         // ... with a network instead of an address
  bool l2tp_other_protocol = false;  // ... with TCP
  bool nat_oa_broken = false;        // NAT-OA that holds no address
  bool no_pfs_key = false;           // Quick Mode leaves KE out although the group was agreed
  bool lifetime_zero = false;        // RESPONDER-LIFETIME of 0 seconds
  bool bad_address = false;          // Mode Config gives 127.0.0.1
  bool many_networks = false;        // thousands of split networks
  bool early_success = false;        // XAuth STATUS=OK before anything was asked
  bool replayed_reply = false;       // an older answer first; the new one when asked once more
  bool esp_spi_reused = false;       // Quick Mode answers with the SPI of the pair before
  bool endless_fragments = false;    // payloads of type 132 for ever, beside everything else
  bool plaintext_dpd = false;  // R-U-THERE without protection, as phase 1 ends and before ours
};

// The payloads of a message, for a test to change before its HASH is made and it leaves.
using PayloadList = std::vector<std::pair<ike::PayloadType, ByteVec>>;

// What proves one side with a signature, and whom it believes. Without a key: the pre-shared one.
struct Signer {
  std::shared_ptr<const crypto::SigningKey> key;
  std::vector<ByteVec> certificates;  // DER, its own first
  crypto::Trust trust;
};

// A question of XAuth, and whether a reply answers it.
struct XauthRound {
  std::vector<ike::Attribute> asks;
  std::function<bool(const ike::CfgPayload&)> right;
};

struct GatewayConfig {
  std::string psk = "swordfish";
  Signer signer;
  bool hybrid = false;                      // only the gateway signs; the client is proved by XAuth
  bool wants_empty_certificate = false;     // hybrid: beside HASH_I (HY-03)
  ike::IdPayload identity;                  // ours; the default is set by the World
  std::optional<ike::IdPayload> client_id;  // the only one we accept; anyone when empty
  bool main_mode = true;
  bool aggressive_mode = true;
  std::vector<crypto::IkeSuite> ike;  // accepted, in the order of preference
  std::vector<crypto::EspSuite> esp;
  std::optional<crypto::DhGroup> pfs;  // required in Quick Mode
  std::vector<Natt> natt = {Natt::kRfc3947, Natt::kDraft03, Natt::kDraft02n, Natt::kDraft02};
  std::vector<ByteVec> other_vendors;  // more vendor IDs that we send
  bool plain_main6 = false;            // the sixth message of Main Mode leaves in the clear
  std::size_t fragment_max = 0;  // longer messages leave as IKE fragments; 0: none, and none read
  bool encapsulation_without_nat = true;  // accepts UDP encapsulation although nobody is natted
  std::vector<ike::Attribute> extra_attributes;  // appended to a Mode Config reply

  std::map<std::string, std::string> users;  // not empty: XAuth is demanded
  bool xauth_type = false;                   // says XAUTH-TYPE generic, as some gateways do
  std::string xauth_message;
  int xauth_tries = 1;
  std::vector<XauthRound> xauth_rounds;  // not empty: instead of name and password, in this order
  bool xauth_one_exchange = false;       // all questions share a message ID
  std::string xauth_verdict;             // the MESSAGE beside the status

  bool mode_config = true;
  bool unity = true;  // Cisco's attributes, and the vendor ID
  bool push = false;  // sends the configuration by itself, and answers no request for it
  Prefix pool;        // the first client gets its second address
  std::optional<Prefix> pool6;
  IpAddress netmask;
  std::vector<IpAddress> dns;
  std::vector<Prefix> split;  // empty: a full tunnel
  std::string domain;
  std::string banner;

  std::vector<Prefix> networks;  // behind us; what Quick Mode may ask for
  bool l2tp = false;             // transport mode for UDP port 1701, which we echo
  bool l2tp_any_port = false;    // our IDs leave the client's port open, as some gateways' do
  bool nat_oa = true;            // some send none
  // How networks may be asked for: everything at once, or one of them alone, or any part.
  enum class Networks : std::uint8_t { kAny, kOnlyEverything, kOnlyNamed };
  Networks asked_for = Networks::kAny;
  bool narrows = false;   // answers a wish for everything with the first of its networks
  bool error_spi = true;  // a refusal of Quick Mode holds the SPI that was offered
  Duration ike_lifetime = 24h;
  Duration esp_lifetime = 8h;  // a shorter one is announced by RESPONDER-LIFETIME
  bool responder_lifetime = false;
  // Our ESP SAs carry no more than this each way and then end without a word, as a kernel's do.
  // Announced by RESPONDER-LIFETIME; 0: no limit.
  std::uint64_t esp_kilobytes = 0;
  Duration rekey_after{};  // we start a Quick Mode of our own; 0: never
  bool dpd = true;
  Duration dpd_delay{};  // silence before our own probe; 0: never
  bool initial_contact_clears = true;

  bool notify_bad_auth = true;               // tells a client with a wrong key, in plaintext
  Step silent_from = Step::kNever;           // no answer from this step on
  std::optional<ike::Notify> refuse_phase1;  // in plaintext
  std::optional<ike::Notify> refuse_quick;   // encrypted
  bool follows_esp = true;                   // RFC 3947 7; some follow only authentic IKE messages
  bool echo_ping = true;                     // the office host answers ICMP echo requests

  KeyExchange key_exchange = KeyExchange::kReal;  // of both sides
  std::size_t nonce_size = 24;
  std::function<void(PayloadList&)> edit;  // of every message that we compose
  bool record = true;                      // false: nothing is remembered that grows with time
  Endpoint own;                            // our address as we see it, port 500
  std::uint16_t natt_port = 4500;
  Lies lies;
};

}  // namespace godwit::sim
