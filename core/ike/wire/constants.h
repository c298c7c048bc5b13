// Numbers of ISAKMP and IKEv1 on the wire (RFC 2407, 2408, 2409, 3947 and the Mode Config and XAuth
// drafts). Unknown values stay representable; is_known() says whether we know them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace godwit::ike {

inline constexpr std::size_t kHeaderSize = 28;  // RFC 2408 3.1
inline constexpr std::uint8_t kVersion1 = 0x10;
inline constexpr std::uint32_t kDoiIsakmp = 0;
inline constexpr std::uint32_t kDoiIpsec = 1;
inline constexpr std::uint32_t kSitIdentityOnly = 1;

enum class Exchange : std::uint8_t {
  kMain = 2,  // "Identity Protection"
  kAggressive = 4,
  kInformational = 5,
  kTransaction = 6,
  kQuick = 32,
};

enum Flag : std::uint8_t { kFlagEncrypted = 0x01, kFlagCommit = 0x02, kFlagAuthOnly = 0x04 };

enum class PayloadType : std::uint8_t {
  kNone = 0,
  kSa = 1,
  kProposal = 2,
  kTransform = 3,
  kKe = 4,
  kId = 5,
  kCert = 6,
  kCertRequest = 7,
  kHash = 8,
  kSignature = 9,
  kNonce = 10,
  kNotify = 11,
  kDelete = 12,
  kVendorId = 13,
  kAttributes = 14,  // Mode Config and XAuth
  kNatD = 20,        // RFC 3947
  kNatOa = 21,
  kNatDDraft = 130,  // drafts 02 and 03
  kNatOaDraft = 131,
  kFragment = 132,  // Cisco and Microsoft
};
bool is_known(PayloadType type);  // as a payload of a message: not kProposal or kTransform
std::string_view name(PayloadType type);

enum class Protocol : std::uint8_t { kIsakmp = 1, kAh = 2, kEsp = 3 };

enum class IdType : std::uint8_t {
  kIpv4 = 1,
  kFqdn = 2,
  kUserFqdn = 3,
  kIpv4Subnet = 4,
  kIpv6 = 5,
  kIpv6Subnet = 6,
  kIpv4Range = 7,
  kIpv6Range = 8,
  kDerDn = 9,
  kDerGn = 10,
  kKeyId = 11,
};

inline constexpr std::uint8_t kTransformKeyIke = 1;
inline constexpr std::uint8_t kEsp3des = 3;
inline constexpr std::uint8_t kEspAesCbc = 12;
inline constexpr std::uint8_t kEspAesGcm16 = 20;

enum class Phase1Attr : std::uint16_t {
  kEncryption = 1,
  kHash = 2,
  kAuth = 3,
  kGroup = 4,
  kLifeType = 11,
  kLifeDuration = 12,
  kKeyLength = 14,
};
inline constexpr std::uint16_t kEnc3des = 5;
inline constexpr std::uint16_t kEncAesCbc = 7;
inline constexpr std::uint16_t kAuthPsk = 1;
inline constexpr std::uint16_t kAuthRsa = 3;
inline constexpr std::uint16_t kAuthEcdsa256 = 9;  // RFC 4754
inline constexpr std::uint16_t kAuthEcdsa384 = 10;
inline constexpr std::uint16_t kAuthEcdsa521 = 11;
inline constexpr std::uint16_t kAuthHybridInitRsa = 64221;
inline constexpr std::uint16_t kAuthXauthInitPsk = 65001;
inline constexpr std::uint16_t kAuthXauthInitRsa = 65005;
inline constexpr std::uint8_t kCertX509Signature = 4;  // RFC 2408 3.9
inline constexpr std::uint16_t kLifeSeconds = 1;
inline constexpr std::uint16_t kLifeKilobytes = 2;

enum class Phase2Attr : std::uint16_t {
  kLifeType = 1,
  kLifeDuration = 2,
  kGroup = 3,
  kEncapsulation = 4,
  kAuth = 5,
  kKeyLength = 6,
};
inline constexpr std::uint16_t kEncapTunnel = 1;
inline constexpr std::uint16_t kEncapUdpTunnel = 3;  // RFC 3947 5.1
inline constexpr std::uint16_t kEncapUdpTransport = 4;
inline constexpr std::uint16_t kEncapUdpTunnelDraft = 61443;
inline constexpr std::uint16_t kEncapUdpTransportDraft = 61444;

// Notify message types (RFC 2408 3.14.1, RFC 2407 4.6.3, RFC 3706).
enum class Notify : std::uint16_t {
  kInvalidPayloadType = 1,
  kDoiNotSupported = 2,
  kSituationNotSupported = 3,
  kInvalidCookie = 4,
  kInvalidMajorVersion = 5,
  kInvalidMinorVersion = 6,
  kInvalidExchangeType = 7,
  kInvalidFlags = 8,
  kInvalidMessageId = 9,
  kInvalidProtocolId = 10,
  kInvalidSpi = 11,
  kInvalidTransformId = 12,
  kAttributesNotSupported = 13,
  kNoProposalChosen = 14,
  kBadProposalSyntax = 15,
  kPayloadMalformed = 16,
  kInvalidKeyInformation = 17,
  kInvalidIdInformation = 18,
  kInvalidHashInformation = 23,
  kAuthenticationFailed = 24,
  kInvalidSignature = 25,
  kAddressNotification = 26,
  kUnequalPayloadLengths = 30,
  kConnected = 16384,
  kResponderLifetime = 24576,
  kReplayStatus = 24577,
  kInitialContact = 24578,
  kDpdRUThere = 36136,
  kDpdRUThereAck = 36137,
  kLoadBalance = 40501,  // Cisco: the data is the address of the gateway to use
};
bool is_error(Notify type);          // 1..16383
std::string_view name(Notify type);  // "NO-PROPOSAL-CHOSEN"; "" when unknown

// Mode Config and XAuth (drafts dukes-02 and beaulieu-02), Unity.
enum class CfgType : std::uint8_t { kRequest = 1, kReply = 2, kSet = 3, kAck = 4 };
enum class CfgAttr : std::uint16_t {
  kIp4Address = 1,
  kIp4Netmask = 2,
  kIp4Dns = 3,
  kIp4Nbns = 4,
  kAddressExpiry = 5,
  kApplicationVersion = 7,
  kIp6Address = 8,
  kIp6Netmask = 9,
  kIp6Dns = 10,
  kIp6Nbns = 11,
  kIp4Subnet = 13,
  kSupportedAttributes = 14,
  kIp6Subnet = 15,
  kXauthType = 16520,
  kXauthUserName = 16521,
  kXauthUserPassword = 16522,
  kXauthPasscode = 16523,
  kXauthMessage = 16524,
  kXauthChallenge = 16525,
  kXauthDomain = 16526,
  kXauthStatus = 16527,
  kXauthNextPin = 16528,
  kXauthAnswer = 16529,
  kUnityBanner = 28672,
  kUnitySavePassword = 28673,
  kUnityDefaultDomain = 28674,
  kUnitySplitDns = 28675,
  kUnitySplitInclude = 28676,
  kUnityNattPort = 28677,
  kUnityLocalLan = 28678,
  kUnityPfs = 28679,
  kUnityFwType = 28680,
  kUnityBackupServers = 28681,
  kUnityDdnsHostname = 28682,
};

}  // namespace godwit::ike
