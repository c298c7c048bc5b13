// The two ESP transforms on libipsec-mb. Its managers keep lanes of packets while a batch is at
// work and none between batches, so a packet never waits for the next one.
#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "core/crypto/esp_crypto.h"

#if GODWIT_HAVE_IPSEC_MB

#include <intel-ipsec-mb.h>

#include "core/base/check.h"
#include "core/crypto/esp_packet_cut.h"

namespace godwit::crypto {

namespace {

constexpr std::size_t kAesBlock = 16;
constexpr std::size_t kIcvMax = 32;
constexpr std::size_t kHmacStateMax = 64;   // SHA-512
constexpr std::size_t kHmacBlockMax = 128;  // SHA-384 and SHA-512
constexpr std::size_t kBurst = 64;

struct FreeManager {
  void operator()(IMB_MGR* manager) const { free_mb_mgr(manager); }
};
using Manager = std::unique_ptr<IMB_MGR, FreeManager>;

constexpr std::uint64_t kNeeded = IMB_FEATURE_AESNI | IMB_FEATURE_PCLMULQDQ;

// The library tests itself while it is initialised, and says so.
bool usable(const IMB_MGR* manager) {
  return manager != nullptr && imb_get_errno(const_cast<IMB_MGR*>(manager)) == 0 &&
         (manager->features & kNeeded) == kNeeded &&
         ((manager->features & IMB_FEATURE_SELF_TEST) == 0 ||
          (manager->features & IMB_FEATURE_SELF_TEST_PASS) != 0);
}

std::string_view backend_name(IMB_ARCH arch) {
  switch (arch) {
    case IMB_ARCH_AVX512:
      return "libipsec-mb avx512";
    case IMB_ARCH_AVX2:
      return "libipsec-mb avx2";
    case IMB_ARCH_SSE:
      return "libipsec-mb sse";
    default:
      return "libipsec-mb";
  }
}

IMB_HASH_ALG hash_alg(HashAlg alg) {
  switch (alg) {
    case HashAlg::kSha1:
      return IMB_AUTH_HMAC_SHA_1;
    case HashAlg::kSha256:
      return IMB_AUTH_HMAC_SHA_256;
    case HashAlg::kSha384:
      return IMB_AUTH_HMAC_SHA_384;
    case HashAlg::kSha512:
      return IMB_AUTH_HMAC_SHA_512;
    default:
      return IMB_AUTH_NULL;
  }
}

template <class T>
MutBytes octets_of(T& object) {
  return {reinterpret_cast<std::uint8_t*>(&object), sizeof(T)};
}

}  // namespace

class EspCrypto::Multibuffer {
 public:
  Multibuffer() : wide_(alloc_mb_mgr(0)) {
    if (wide_) init_mb_mgr_auto(wide_.get(), &arch_);
  }

  bool usable() const { return crypto::usable(wide_.get()); }
  std::string_view name() const { return backend_name(arch_); }
  IMB_MGR* wide() { return wide_.get(); }

  // Who hashes a batch of `count` packets fastest: sixteen lanes of AVX-512 need packets to fill
  // them, and the two of the SHA instructions are what a CPU without AVX-512 has.
  IMB_MGR* hasher(HashAlg alg, std::size_t count) {
    const bool sha1 = alg == HashAlg::kSha1;
    if ((wide_->features & IMB_FEATURE_SHANI) == 0 || (!sha1 && alg != HashAlg::kSha256)) {
      return wide();
    }
    if (arch_ == IMB_ARCH_AVX512 && count >= (sha1 ? 8u : 9u)) return wide();
    if (!narrow_) {
      narrow_.reset(alloc_mb_mgr(0));
      if (narrow_) init_mb_mgr_sse(narrow_.get());
    }
    return crypto::usable(narrow_.get()) ? narrow_.get() : wide();
  }

  // Room for one burst; every job of the last one is over.
  std::array<IMB_JOB, kBurst>& jobs() { return jobs_; }

  // A burst was done. What a version of the library refuses shows in the trial of the suite, and
  // then mbedTLS does it.
  void require(bool done) {
    CHECK(done || trial_);
    refused_ |= !done;
  }

  // What the two libraries were found to agree about, so that each suite is tried once.
  bool agrees(const EspSuite& suite, const std::shared_ptr<Multibuffer>& self) {
    for (const auto& [tried, verdict] : verdicts_) {
      if (tried == suite) return verdict;
    }
    SecretBytes keymat(suite.keymat_size());
    for (std::size_t i = 0; i < keymat.size(); ++i) {
      keymat.fill()[i] = static_cast<std::uint8_t>(i);
    }
    const Secret<16> iv_key;
    const auto fast = make(suite, keymat, iv_key, self);
    const auto sure = make_esp_protector(suite, keymat, iv_key);
    trial_ = true;
    refused_ = false;
    const bool verdict = fast && agree(suite, *fast, *sure) && !refused_;
    trial_ = false;
    verdicts_.emplace_back(suite, verdict);
    return verdict;
  }

  static std::unique_ptr<EspProtector> make(const EspSuite& suite, const SecretBytes& keymat,
                                            const Secret<16>& iv_key,
                                            const std::shared_ptr<Multibuffer>& shared);

 private:
  class CbcHmac;
  class Gcm16;

  Manager wide_;
  Manager narrow_;
  IMB_ARCH arch_ = IMB_ARCH_NONE;
  std::array<IMB_JOB, kBurst> jobs_{};
  std::vector<std::pair<EspSuite, bool>> verdicts_;
  bool trial_ = false;
  bool refused_ = false;
};

// AES-GCM with a 16-octet ICV (RFC 4106), one packet after the other: it needs no lanes.
class EspCrypto::Multibuffer::Gcm16 final : public EspProtector {
 public:
  Gcm16(const EspSuite& suite, Bytes keymat, std::shared_ptr<Multibuffer> shared)
      : layout_(suite), shared_(std::move(shared)) {
    IMB_MGR* const manager = shared_->wide();
    switch (suite.key_bits) {
      case 128:
        IMB_AES128_GCM_PRE(manager, keymat.data(), &key_);
        encrypt_ = manager->gcm128_enc;
        decrypt_ = manager->gcm128_dec;
        break;
      case 192:
        IMB_AES192_GCM_PRE(manager, keymat.data(), &key_);
        encrypt_ = manager->gcm192_enc;
        decrypt_ = manager->gcm192_dec;
        break;
      default:
        IMB_AES256_GCM_PRE(manager, keymat.data(), &key_);
        encrypt_ = manager->gcm256_enc;
        decrypt_ = manager->gcm256_dec;
    }
    const Bytes salt = keymat.subspan(suite.key_size());
    std::copy(salt.begin(), salt.end(), salt_.fill().begin());
  }
  ~Gcm16() override {
    wipe(octets_of(key_));
    wipe(octets_of(context_));
  }

  void seal(std::span<EspPacket> batch) override {
    for (EspPacket& packet : batch) {
      Cut parts;
      CHECK(cut(layout_, packet.bytes, parts));
      // RFC 4106 3.1: an IV must never repeat under a key; a 64-bit sequence number never does.
      store_be(parts.iv, packet.sequence);
      const Nonce n = nonce(parts.iv);
      encrypt_(&key_, &context_, parts.body.data(), parts.body.data(), parts.body.size(),
               reinterpret_cast<const std::uint8_t*>(&n), parts.header.data(), parts.header.size(),
               parts.icv.data(), parts.icv.size());
    }
  }

  void open(std::span<EspPacket> batch) override {
    for (EspPacket& packet : batch) {
      Cut parts;
      packet.ok = false;
      if (!cut(layout_, packet.bytes, parts)) continue;
      const Nonce n = nonce(parts.iv);
      std::array<std::uint8_t, kAesBlock> tag;
      decrypt_(&key_, &context_, parts.body.data(), parts.body.data(), parts.body.size(),
               reinterpret_cast<const std::uint8_t*>(&n), parts.header.data(), parts.header.size(),
               tag.data(), tag.size());
      packet.ok = equal_ct(tag, parts.icv);
      if (packet.ok) continue;
      wipe(tag);  // the right ICV of a forged packet is nobody's business, nor what it would say
      wipe(parts.body);
    }
  }

  std::string_view backend() const override { return shared_->name(); }

 private:
  // In one register, because the library reads it in one piece: behind several small stores that
  // would have to wait.
  using Nonce = std::uint32_t __attribute__((vector_size(16)));

  // RFC 4106 4: salt, then the IV of the packet.
  Nonce nonce(Bytes iv) const {
    std::array<std::uint32_t, 3> words;
    std::memcpy(words.data(), salt_.expose().data(), 4);
    std::memcpy(words.data() + 1, iv.first(8).data(), 8);
    return Nonce{words[0], words[1], words[2], 0};
  }

  EspLayout layout_;
  std::shared_ptr<Multibuffer> shared_;
  alignas(64) gcm_key_data key_{};
  alignas(64) gcm_context_data context_{};
  aes_gcm_enc_dec_t encrypt_ = nullptr;
  aes_gcm_enc_dec_t decrypt_ = nullptr;
  Secret<4> salt_;
};

// AES-CBC with HMAC (RFC 3602, RFC 4868): encrypt, then authenticate SPI to ciphertext.
class EspCrypto::Multibuffer::CbcHmac final : public EspProtector {
 public:
  CbcHmac(const EspSuite& suite, Bytes keymat, Bytes iv_key, std::shared_ptr<Multibuffer> shared)
      : suite_(suite), layout_(suite), shared_(std::move(shared)) {
    IMB_MGR* const manager = shared_->wide();
    const std::uint8_t* const key = keymat.data();
    switch (suite.key_bits) {
      case 128:
        IMB_AES_KEYEXP_128(manager, key, keys_.encrypt, keys_.decrypt);
        break;
      case 192:
        IMB_AES_KEYEXP_192(manager, key, keys_.encrypt, keys_.decrypt);
        break;
      default:
        IMB_AES_KEYEXP_256(manager, key, keys_.encrypt, keys_.decrypt);
    }
    IMB_AES_KEYEXP_128(manager, iv_key.data(), keys_.iv_encrypt, keys_.iv_decrypt);
    pad_state(keymat.subspan(suite.key_size()), 0x36, keys_.inner);
    pad_state(keymat.subspan(suite.key_size()), 0x5c, keys_.outer);
  }
  ~CbcHmac() override { wipe(octets_of(keys_)); }

  void seal(std::span<EspPacket> batch) override {
    for (; !batch.empty(); batch = batch.subspan(std::min(batch.size(), kBurst))) {
      seal_burst(batch.first(std::min(batch.size(), kBurst)));
    }
  }

  void open(std::span<EspPacket> batch) override {
    for (; !batch.empty(); batch = batch.subspan(std::min(batch.size(), kBurst))) {
      open_burst(batch.first(std::min(batch.size(), kBurst)));
    }
  }

  std::string_view backend() const override { return shared_->name(); }

 private:
  struct Keys {
    alignas(16) std::uint8_t encrypt[15 * kAesBlock];
    alignas(16) std::uint8_t decrypt[15 * kAesBlock];
    alignas(16) std::uint8_t iv_encrypt[15 * kAesBlock];
    alignas(16) std::uint8_t iv_decrypt[15 * kAesBlock];  // the library makes both
    alignas(16) std::uint8_t inner[kHmacStateMax];
    alignas(16) std::uint8_t outer[kHmacStateMax];
  };

  // RFC 2104 2: the state of the hash behind the padded key.
  void pad_state(Bytes key, std::uint8_t pad, std::uint8_t* state) {
    IMB_MGR* const manager = shared_->wide();
    std::array<std::uint8_t, kHmacBlockMax> block;
    block.fill(pad);
    for (std::size_t i = 0; i < key.size(); ++i) block[i] = static_cast<std::uint8_t>(pad ^ key[i]);
    switch (*suite_.integrity) {
      case HashAlg::kSha1:
        IMB_SHA1_ONE_BLOCK(manager, block.data(), state);
        break;
      case HashAlg::kSha256:
        IMB_SHA256_ONE_BLOCK(manager, block.data(), state);
        break;
      case HashAlg::kSha384:
        IMB_SHA384_ONE_BLOCK(manager, block.data(), state);
        break;
      default:
        IMB_SHA512_ONE_BLOCK(manager, block.data(), state);
    }
    wipe(block);
  }

  void cipher_job(IMB_JOB& job, MutBytes body, const std::uint8_t* iv) const {
    job = IMB_JOB{};
    job.enc_keys = keys_.encrypt;
    job.dec_keys = keys_.decrypt;
    job.key_len_in_bytes = suite_.key_size();
    job.src = body.data();
    job.dst = body.data();
    job.msg_len_to_cipher_in_bytes = body.size();
    job.iv = iv;
    job.iv_len_in_bytes = kAesBlock;
  }

  void run_ciphers(std::size_t count, IMB_CIPHER_DIRECTION direction, std::size_t key_size) {
    shared_->require(IMB_SUBMIT_CIPHER_BURST(shared_->wide(), shared_->jobs().data(),
                                             static_cast<std::uint32_t>(count), IMB_CIPHER_CBC,
                                             direction,
                                             static_cast<IMB_KEY_SIZE_BYTES>(key_size)) == count);
  }

  // The ICVs of `count` packets, each of `covered(i)` octets into `icv(i)`.
  template <class Covered, class Icv>
  void authenticate(std::size_t count, Covered covered, Icv icv) {
    for (std::size_t i = 0; i < count; ++i) {
      IMB_JOB& job = shared_->jobs()[i];
      job = IMB_JOB{};
      const Bytes octets = covered(i);
      job.src = octets.data();
      job.msg_len_to_hash_in_bytes = octets.size();
      job.u.HMAC._hashed_auth_key_xor_ipad = keys_.inner;
      job.u.HMAC._hashed_auth_key_xor_opad = keys_.outer;
      job.auth_tag_output = icv(i);
      job.auth_tag_output_len_in_bytes = layout_.icv;
    }
    IMB_MGR* const hasher = shared_->hasher(*suite_.integrity, count);
    shared_->require(IMB_SUBMIT_HASH_BURST(hasher, shared_->jobs().data(),
                                           static_cast<std::uint32_t>(count),
                                           hash_alg(*suite_.integrity)) == count);
  }

  void seal_burst(std::span<EspPacket> batch) {
    std::array<Cut, kBurst> parts;
    // RFC 3602 3 wants an unpredictable IV: a counter under a key that nobody else has is one (NIST
    // SP 800-38A appendix C). One block of CBC behind a zero IV is ECB.
    alignas(16) static constexpr std::array<std::uint8_t, kAesBlock> kZero{};
    for (std::size_t i = 0; i < batch.size(); ++i) {
      CHECK(cut(layout_, batch[i].bytes, parts[i]));
      std::fill(parts[i].iv.begin(), parts[i].iv.end(), std::uint8_t{0});
      store_be(parts[i].iv.last(8), batch[i].sequence);
      IMB_JOB& job = shared_->jobs()[i];
      cipher_job(job, parts[i].iv, kZero.data());
      job.enc_keys = keys_.iv_encrypt;
      job.dec_keys = keys_.iv_decrypt;
      job.key_len_in_bytes = kAesBlock;
    }
    run_ciphers(batch.size(), IMB_DIR_ENCRYPT, kAesBlock);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      cipher_job(shared_->jobs()[i], parts[i].body, parts[i].iv.data());
    }
    run_ciphers(batch.size(), IMB_DIR_ENCRYPT, suite_.key_size());
    authenticate(
        batch.size(),
        [&](std::size_t i) { return batch[i].bytes.first(batch[i].bytes.size() - icv_size()); },
        [&](std::size_t i) { return parts[i].icv.data(); });
  }

  void open_burst(std::span<EspPacket> batch) {
    std::array<Cut, kBurst> parts;
    std::array<EspPacket*, kBurst> whole;
    std::size_t count = 0;
    for (EspPacket& packet : batch) {
      packet.ok = false;
      if (cut(layout_, packet.bytes, parts[count])) whole[count++] = &packet;
    }
    if (count == 0) return;
    std::array<std::array<std::uint8_t, kIcvMax>, kBurst> icvs;
    authenticate(
        count,
        [&](std::size_t i) { return whole[i]->bytes.first(whole[i]->bytes.size() - icv_size()); },
        [&](std::size_t i) { return icvs[i].data(); });
    std::size_t genuine = 0;
    for (std::size_t i = 0; i < count; ++i) {
      whole[i]->ok = equal_ct(Bytes(icvs[i]).first(icv_size()), parts[i].icv);
      if (!whole[i]->ok) continue;
      cipher_job(shared_->jobs()[genuine++], parts[i].body, parts[i].iv.data());
    }
    wipe(octets_of(icvs));  // the right ICV of a forged packet is nobody's business
    if (genuine > 0) run_ciphers(genuine, IMB_DIR_DECRYPT, suite_.key_size());
  }

  std::size_t icv_size() const { return layout_.icv; }

  EspSuite suite_;
  EspLayout layout_;
  std::shared_ptr<Multibuffer> shared_;
  Keys keys_{};
};

std::unique_ptr<EspProtector> EspCrypto::Multibuffer::make(
    const EspSuite& suite, const SecretBytes& keymat, const Secret<16>& iv_key,
    const std::shared_ptr<Multibuffer>& shared) {
  if (suite.cipher == EspCipher::kAesGcm16) {
    return std::make_unique<Gcm16>(suite, keymat.expose(), shared);
  }
  if (suite.cipher != EspCipher::kAesCbc || !suite.integrity || suite.icv96 ||
      hash_alg(*suite.integrity) == IMB_AUTH_NULL) {
    return nullptr;
  }
  return std::make_unique<CbcHmac>(suite, keymat.expose(), iv_key.expose(), shared);
}

EspCrypto EspCrypto::fastest() {
  EspCrypto out;
  auto shared = std::make_shared<Multibuffer>();
  if (shared->usable()) out.multibuffer_ = std::move(shared);
  return out;
}

std::unique_ptr<EspProtector> EspCrypto::make_multibuffer(
    const std::shared_ptr<Multibuffer>& shared, const EspSuite& suite, const SecretBytes& keymat,
    const Secret<16>& iv_key) {
  if (!shared->agrees(suite, shared)) return nullptr;
  return Multibuffer::make(suite, keymat, iv_key, shared);
}

}  // namespace godwit::crypto

#else

namespace godwit::crypto {

// A build without libipsec-mb.
class EspCrypto::Multibuffer {};

EspCrypto EspCrypto::fastest() { return portable(); }

std::unique_ptr<EspProtector> EspCrypto::make_multibuffer(const std::shared_ptr<Multibuffer>&,
                                                          const EspSuite&, const SecretBytes&,
                                                          const Secret<16>&) {
  return nullptr;
}

}  // namespace godwit::crypto

#endif
