// Where the fields stand that cutting and joining packets has to touch (RFC 791, 8200, 9293, 768).
#pragma once

#include <cstddef>
#include <cstdint>

namespace godwit {

inline constexpr std::size_t kIpv4Header = 20;    // without options
inline constexpr std::size_t kIpv4Checksum = 10;  // offset in the header
inline constexpr std::size_t kIpv6Header = 40;

inline constexpr std::uint8_t kProtocolTcp = 6;
inline constexpr std::size_t kTcpHeader = 20;  // without options
inline constexpr std::size_t kTcpSequence = 4;
inline constexpr std::size_t kTcpDataOffset = 12;
inline constexpr std::size_t kTcpFlags = 13;
inline constexpr std::size_t kTcpChecksum = 16;
inline constexpr std::uint8_t kTcpFin = 0x01;
inline constexpr std::uint8_t kTcpSyn = 0x02;
inline constexpr std::uint8_t kTcpPsh = 0x08;
inline constexpr std::uint8_t kTcpAck = 0x10;
inline constexpr std::uint8_t kTcpCwr = 0x80;

inline constexpr std::uint8_t kProtocolUdp = 17;
inline constexpr std::size_t kUdpHeader = 8;
inline constexpr std::size_t kUdpLength = 4;
inline constexpr std::size_t kUdpChecksum = 6;

}  // namespace godwit
