// Everything has a limit. Those that depend on each other are checked at compile time.
#pragma once

#include <cstddef>

namespace godwit::limits {

// ISAKMP messages (protocol statement ISK-05, ISK-32).
inline constexpr std::size_t kIkeMessageMax = 32 * 1024;
inline constexpr std::size_t kPayloadsMax = 64;
inline constexpr std::size_t kTransformsMax = 64;
inline constexpr std::size_t kAttributesMax = 32;
inline constexpr std::size_t kVendorIdsMax = 20;
inline constexpr std::size_t kCertificatesMax = 8;  // and as many requests for them
inline constexpr std::size_t kFragmentsMax = 16;    // of one message (FR-01)
inline constexpr std::size_t kNatDMax = 9;          // one for us, up to eight for the peer

// Mode Config (MC-09, MC-10, MC-12).
inline constexpr std::size_t kDnsServersMax = 8;
inline constexpr std::size_t kSplitNetworksMax = 1024;
inline constexpr std::size_t kLocalNetworksMax = 64;
inline constexpr std::size_t kVersionTextMax = 128;
inline constexpr std::size_t kBannerMax = 4096;
inline constexpr std::size_t kBackupGatewaysMax = 10;  // MC-16
inline constexpr std::size_t kRedirectsMax = 3;        // before a tunnel is up
inline constexpr std::size_t kXauthFieldMax = 256;
inline constexpr std::size_t kXauthMessageMax = 1024;
inline constexpr std::size_t kXauthRoundsMax = 8;   // questions of one transaction (XA-13)
inline constexpr std::size_t kXauthRetriesMax = 3;  // of one question, once refused (XA-09)
static_assert(kXauthRetriesMax < kXauthRoundsMax);

// ESP packets: what stands around an inner packet, for every suite.
inline constexpr std::size_t kEspHeader = 8;    // SPI and sequence number
inline constexpr std::size_t kEspIvMax = 16;    // AES-CBC
inline constexpr std::size_t kEspPadMax = 255;  // RFC 4303 2.4
inline constexpr std::size_t kEspTrailer = 2;   // pad length and next header
inline constexpr std::size_t kEspIcvMax = 32;   // HMAC-SHA2-512-256
inline constexpr std::size_t kHeadRoom = 32;
inline constexpr std::size_t kTailRoom = 64;
inline constexpr std::size_t kAlignPadMax = 15;  // what we add ourselves: up to one AES block
static_assert(kHeadRoom >= kEspHeader + kEspIvMax);
// Transport mode puts an IP header where ESP's and at least 8 octets of IV were.
static_assert(kHeadRoom + kEspHeader + 8 >= 40);
static_assert(kTailRoom >= kAlignPadMax + kEspTrailer + kEspIcvMax);

inline constexpr std::size_t kIpv6MtuMin = 1280;  // RFC 8200 5

inline constexpr std::size_t kReplayWindow = 4096;  // packets; a multiple of 64
static_assert(kReplayWindow >= 1024 && kReplayWindow % 64 == 0);

inline constexpr std::size_t kInboundSasMax = 16;
inline constexpr std::size_t kOutboundSasMax = 8;
inline constexpr std::size_t kActionsMax = 4096;

}  // namespace godwit::limits
