// Configuration profiles of Apple's systems (*.mobileconfig): a property list whose payloads of the
// type com.apple.vpn.managed are connections, and others the certificates that these name by their
// UUIDs. Apple's clients choose the proposals themselves ("VPN settings overview for Apple
// devices"): group 2 with a shared secret or in hybrid mode, groups 2 and 5 with certificates.
#include <algorithm>

#include "core/crypto/base64.h"
#include "core/importers/draft.h"
#include "core/importers/formats.h"
#include "core/importers/names.h"
#include "core/importers/old_suites.h"
#include "core/importers/plist.h"
#include "core/importers/text.h"

namespace godwit::importers {
namespace {

constexpr std::string_view kHybrid = "[hybrid]";

struct Payloads {
  std::vector<const PlistNode*> connections;  // of Cisco's IPsec, or L2TP
  std::vector<const PlistNode*> identities;   // PKCS#12
  std::vector<const PlistNode*> authorities;
  std::vector<const PlistNode*> others;
  std::string other_vpns;  // "IKEv2"
};

Payloads sort_payloads(const PlistNode& root) {
  Payloads out;
  const PlistNode* const content = root.find("PayloadContent");
  if (content == nullptr) return out;
  for (const PlistNode& payload : content->children) {
    const std::string_view type = payload.text_of("PayloadType");
    const std::string_view vpn = payload.text_of("VPNType");
    if (type == "com.apple.vpn.managed" && (vpn == "IPSec" || vpn == "L2TP")) {
      out.connections.push_back(&payload);
    } else if (type == "com.apple.vpn.managed") {
      out.other_vpns += (out.other_vpns.empty() ? "" : ", ") + std::string(vpn);
    } else if (type == "com.apple.security.pkcs12") {
      out.identities.push_back(&payload);
    } else if (type == "com.apple.security.root" || type == "com.apple.security.pkcs1" ||
               type == "com.apple.security.pem") {
      out.authorities.push_back(&payload);
    } else {
      out.others.push_back(&payload);
    }
  }
  return out;
}

class MobileconfigReader {
 public:
  MobileconfigReader(const Source& source, const Payloads& payloads, const PlistNode& connection)
      : draft_(source), payloads_(payloads), connection_(connection) {
    if (const PlistNode* ipsec = connection.find("IPSec")) ipsec_ = ipsec;
  }

  Result<Imported, Refusal> read() {
    if (connection_.text_of("VPNType") == "L2TP") {
      read_l2tp();
    } else {
      read_ipsec();
    }
    for (const PlistNode* other : payloads_.others) {
      draft_.remark({other->line, std::string(other->text_of("PayloadType"))},
                    "this payload is not about the tunnel");
    }
    remark_rest();
    return draft_.finish(format_name(Format::kMobileconfig));
  }

 private:
  Place place(const PlistNode& parent, std::string_view key) const {
    const PlistNode* node = parent.find(key);
    return {node == nullptr ? parent.line : node->line, std::string(key)};
  }

  void text(std::string_view key, const PlistNode& parent, std::string_view theirs) {
    draft_.text(key, parent.text_of(theirs), place(parent, theirs));
  }

  void read_ipsec() {
    text("gateway", *ipsec_, "RemoteAddress");
    std::string_view id = ipsec_->text_of("LocalIdentifier");
    const bool hybrid = id.ends_with(kHybrid);
    if (hybrid) id.remove_suffix(kHybrid.size());
    read_identity(id);
    const Place method = place(*ipsec_, "AuthenticationMethod");
    const bool xauth = ipsec_->is_set("XAuthEnabled") || hybrid;
    if (ipsec_->text_of("AuthenticationMethod") == "Certificate") {
      draft_.text("auth", xauth ? "xauth-cert" : "cert", method);
      read_certificate(method);
      draft_.ike({"aes256-sha256-modp2048", "aes256-sha1-modp2048", "aes256-sha1-modp1536",
                  "aes256-sha1-modp1024", "aes128-sha1-modp1024"},
                 method);
    } else if (hybrid) {
      draft_.text("auth", "hybrid", method);
      draft_.text("mode", "aggressive", place(*ipsec_, "LocalIdentifier"));
      read_authorities(method);
      draft_.ike(ike_of({}, "modp1024"), method);
    } else {
      draft_.text("auth", xauth ? "xauth-psk" : "psk", method);
      read_secret();
      draft_.ike(ike_of({}, "modp1024"), method);
    }
    draft_.esp({"aes256-sha256", "aes256-sha1", "aes128-sha1"}, method);
    if (xauth) read_user();
  }

  // Apple's clients take Aggressive Mode exactly when there is a group.
  void read_identity(std::string_view id) {
    if (id.empty()) return;
    const Place where = place(*ipsec_, "LocalIdentifier");
    draft_.text("id", id, where);
    draft_.text("id-type", "key-id", where);
    if (ipsec_->text_of("AuthenticationMethod") != "Certificate") {
      draft_.text("mode", "aggressive", where);
    }
  }

  void read_secret() {
    const std::string_view secret = ipsec_->text_of("SharedSecret");
    const Place where = place(*ipsec_, "SharedSecret");
    if (secret.empty()) return;
    const PlistNode* const node = ipsec_->find("SharedSecret");
    if (node->kind == PlistNode::Kind::kText) return draft_.psk(octets_of(secret), where);
    if (const auto key = crypto::base64_decode(secret)) return draft_.psk(key->expose(), where);
    draft_.remark(where, "is not base64", "the key will be asked for");
  }

  void read_user() {
    text("user", *ipsec_, "XAuthName");
    const std::string_view password = ipsec_->text_of("XAuthPassword");
    if (!password.empty()) {
      draft_.password(octets_of(password), place(*ipsec_, "XAuthPassword"));
    }
  }

  void read_certificate(const Place& method) {
    const std::string_view uuid = ipsec_->text_of("PayloadCertificateUUID");
    const auto identity = std::find_if(
        payloads_.identities.begin(), payloads_.identities.end(),
        [&](const PlistNode* p) { return same_word(p->text_of("PayloadUUID"), uuid); });
    const bool found = identity != payloads_.identities.end() && add_identity(**identity);
    if (!found) {
      draft_.text("cert-file", draft_.path(".p12"), method);
      draft_.remark(method, "needs our certificate, which is not in this file",
                    "put it into " + draft_.path(".p12"));
    }
    read_authorities(method);
  }

  bool add_identity(const PlistNode& payload) {
    auto octets = crypto::base64_decode(payload.text_of("PayloadContent"));
    if (!octets || octets->empty()) return false;
    draft_.companion("cert-file", ".p12", std::move(*octets), place(payload, "PayloadContent"));
    const std::string_view password = payload.text_of("Password");
    if (!password.empty() && password.find_first_of(std::string_view("\0\n", 2)) == password.npos) {
      draft_.companion("key-passphrase-file", ".passphrase", secret_of(password),
                       place(payload, "Password"));
    }
    return true;
  }

  // All that the profile brings; they may vouch for each other.
  void read_authorities(const Place& method) {
    std::string bundle;
    for (const PlistNode* payload : payloads_.authorities) {
      const auto octets = crypto::base64_decode(payload->text_of("PayloadContent"));
      if (!octets || octets->empty()) continue;
      const std::string_view content = text_of(octets->expose());
      const bool pem = content.find("-----BEGIN") != content.npos;
      bundle += pem ? std::string(content) + "\n" : crypto::certificate_pem(octets->expose());
    }
    if (!bundle.empty()) {
      return draft_.companion("ca-file", "-ca.pem", secret_of(bundle), method);
    }
    const std::string own = draft_.value("cert-file");
    draft_.text("ca-file", own.empty() ? draft_.path("-ca.pem") : own, method);
    draft_.remark(method, "no authority of the gateway's certificate is in this file",
                  own.empty() ? "put it into " + draft_.path("-ca.pem")
                              : "name it as ca-file when it is not in " + own);
  }

  void read_l2tp() {
    draft_.raw("l2tp", "true", place(connection_, "VPNType"));
    const PlistNode* const ppp = connection_.find("PPP");
    if (ppp != nullptr) {
      text("gateway", *ppp, "CommRemoteAddress");
      for (const std::string_view theirs : {"AuthName", "AuthPassword"}) {
        if (ppp->text_of(theirs).empty()) continue;
        draft_.remark(place(*ppp, theirs), "is PPP's, which xl2tpd and pppd speak",
                      "write it as the example l2tp.toml shows");
      }
    }
    read_identity(ipsec_->text_of("LocalIdentifier"));
    read_secret();
    if (draft_.value("mode") == "aggressive") {
      draft_.ike(ike_of({}, "modp1024"), place(connection_, "VPNType"));
    }
  }

  void remark_rest() {
    for (const std::string_view key : {"OnDemandEnabled", "DisconnectOnIdle"}) {
      for (const PlistNode* parent : {ipsec_, &connection_}) {
        if (!parent->is_set(key)) continue;
        draft_.remark(place(*parent, key), "a tunnel is made and ended by hand or by its unit",
                      "systemctl enable godwit@NAME makes it at every start");
      }
    }
    const PlistNode* const ipv4 = connection_.find("IPv4");
    if (ipv4 != nullptr && ipv4->is_set("OverridePrimary")) {
      draft_.remark(place(*ipv4, "OverridePrimary"), "the gateway decides what the tunnel carries",
                    "write networks = [\"0.0.0.0/0\"] for everything");
    }
    const PlistNode* const proxies = connection_.find("Proxies");
    if (proxies != nullptr && !proxies->children.empty()) {
      draft_.remark({proxies->line, "Proxies"}, "proxies are not set here",
                    "set them where programs look for them, or in a hook");
    }
  }

  Draft draft_;
  const Payloads& payloads_;
  const PlistNode& connection_;
  PlistNode none_;
  const PlistNode* ipsec_ = &none_;
};

std::string name_of(const PlistNode& connection) {
  std::string_view name = connection.text_of("UserDefinedName");
  if (name.empty()) name = connection.text_of("PayloadDisplayName");
  return std::string(name.empty() ? connection.text_of("PayloadUUID") : name);
}

}  // namespace

bool is_mobileconfig(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  const auto begin = text.find_first_not_of(" \t\r\n");
  if (begin == text.npos) return false;
  text.remove_prefix(begin);
  return text.starts_with("<?xml") || text.starts_with("<plist") || text.starts_with("<!DOCTYPE");
}

Result<Imported, Refusal> import_mobileconfig(const Source& source) {
  const auto refuse = [&](int line, const std::string& what, std::string remedy) {
    return fail(Draft(source).refusal(line, what, std::move(remedy)));
  };
  const auto plist = Plist::parse(source.text);
  if (!plist) {
    return refuse(plist.error().line, plist.error().message, "export the profile once more");
  }
  if (plist->root().find("EncryptedPayloadContent") != nullptr) {
    return refuse(plist->root().line, "is encrypted for one device", "ask for it unencrypted");
  }
  const Payloads payloads = sort_payloads(plist->root());
  if (payloads.connections.empty()) {
    const std::string others = payloads.other_vpns;
    return refuse(
        0,
        "has no connection of the type IPSec or L2TP" + (others.empty() ? "" : ", but " + others),
        "godwit speaks IKEv1; ask for a profile of Cisco IPsec");
  }
  std::vector<std::string> names;
  for (const PlistNode* one : payloads.connections) names.push_back(name_of(*one));
  const std::size_t chosen = GODWIT_TRY(choose(names, source));
  return MobileconfigReader(source, payloads, *payloads.connections[chosen]).read();
}

}  // namespace godwit::importers
