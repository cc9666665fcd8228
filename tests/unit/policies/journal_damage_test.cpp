// Flipped bits, cut files and full disks under the journal.
#include "policies/ledger/acknowledged_mark.hpp"
#include "policies/ledger/crc32c.hpp"
#include "policies/ledger/journal.hpp"
#include "policies/ledger/journal_files.hpp"
#include "policies/ledger/journal_recovery.hpp"
#include "policies/ledger/ledger_directory.hpp"
#include "policies/ledger/records.hpp"
#include "policies/ledger/segment_reader.hpp"
#include "tests/support/read_file.hpp"
#include "tests/unit/policies/ledger_support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>

namespace sluice::policies::test {
namespace {

using core::Errc;
using sluice::test::read_file;
using ::testing::HasSubstr;

void write_file(const std::filesystem::path& path, const std::string& bytes) {
    std::ofstream{path, std::ios::binary | std::ios::trunc} << bytes;
}

std::string decision_payload(int number) {
    std::string payload;
    encode(DecisionRecord{.id = "dec_" + std::to_string(number), .team = {1}, .key = {1}, .decision_json = "{}"},
           payload);
    return payload;
}

class JournalDamageTest : public ::testing::Test {
protected:
    // A journal of decisions that nobody has applied, as a crash leaves it.
    void write_journal(int records, std::uint64_t segment_bytes = 2048) {
        std::filesystem::create_directories(journal_);
        auto journal = Journal::start(
            {.directory = journal_, .segment_bytes = segment_bytes, .linger = {}, .files = disk_journal_files()}, 1);
        ASSERT_TRUE(journal);
        for (int i = 1; i <= records; ++i) {
            const auto sequence = (*journal)->append(RecordType::Decision, kNoon + i, decision_payload(i));
            ASSERT_EQ(sequence, static_cast<std::uint64_t>(i));
            ASSERT_TRUE(run((*journal)->durable(sequence)));
        }
    }
    std::vector<std::filesystem::path> segments() const {
        std::vector<std::filesystem::path> found;
        for (const auto& entry : std::filesystem::directory_iterator{journal_})
            if (SegmentPool::is_segment(entry.path())) found.push_back(entry.path());
        std::ranges::sort(found);
        return found;
    }
    // A batch that was being written when the power went: its bytes are there, nobody was told.
    void append_unacknowledged(const std::string& bytes) {
        const auto path = segments().back();
        auto reader = SegmentReader::open(path);
        ASSERT_TRUE(reader);
        auto next = reader->first_sequence();
        while (*reader->next(next)) ++next;
        auto content = read_file(path);
        content.replace(reader->offset(), bytes.size(), bytes);
        write_file(path, content);
    }

    TemporaryDirectory directory_;
    std::filesystem::path journal_ = directory_.path() / "journal";
};

TEST_F(JournalDamageTest, AWholeJournalIsReadAndApplied) {
    write_journal(40);
    EXPECT_GT(segments().size(), 1U);
    auto recovered = recover_journal(journal_, 0);
    ASSERT_TRUE(recovered);
    EXPECT_EQ(recovered->last_sequence, 40U);
    EXPECT_FALSE(recovered->torn_tail);
    const auto books = open_books_up_to_date(directory_.path());
    ASSERT_TRUE(books) << describe(books.error());
    EXPECT_EQ((*books)->applied(), 40U);
    EXPECT_TRUE(segments().empty());
}

TEST_F(JournalDamageTest, EveryFlippedByteIsFoundOrLiesBehindTheRecords) {
    write_journal(5, 1024);
    ASSERT_EQ(segments().size(), 1U);
    const auto path = segments().front();
    const std::string sound = read_file(path);
    auto reader = SegmentReader::open(path);
    std::uint64_t next = 1;
    while (*reader->next(next)) ++next;
    ASSERT_EQ(next, 6U);
    const auto end = reader->offset();
    for (std::size_t at = 0; at < sound.size(); ++at) {
        for (const unsigned flip : {1U, 0x80U}) {
            auto damaged = sound;
            damaged[at] = static_cast<char>(static_cast<unsigned char>(damaged[at]) ^ flip);
            write_file(path, damaged);
            const auto recovered = recover_journal(journal_, 0);
            if (at < end) {
                ASSERT_FALSE(recovered) << "offset " << at;
                EXPECT_EQ(recovered.error().code, Errc::Corrupt);
                EXPECT_THAT(recovered.error().detail, HasSubstr(path.filename().string()));
                EXPECT_EQ(read_file(path), damaged) << "a refused journal was changed";
            } else {
                ASSERT_TRUE(recovered) << "offset " << at << ": " << describe(recovered.error());
                EXPECT_EQ(recovered->last_sequence, 5U);
            }
        }
    }
}

TEST_F(JournalDamageTest, TheFirstBadRecordIsNamedByOffsetAndSequence) {
    write_journal(30);
    const auto path = segments().front();
    auto content = read_file(path);
    const std::size_t third = kSegmentHeaderBytes + 2 * framed_bytes(decision_payload(1).size());
    content[third + kRecordHeaderBytes + 3] ^= 1;
    write_file(path, content);
    const auto opened = DurableLedger::open(config_in(directory_.path()));
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Errc::Corrupt);
    EXPECT_THAT(opened.error().detail, HasSubstr("offset " + std::to_string(third) + ": record 3 "));
}

TEST_F(JournalDamageTest, FlipsInTheMarkAreHarmlessOrFound) {
    write_journal(5);
    const auto path = journal_ / "acknowledged";
    const std::string sound = read_file(path);
    for (std::size_t at = 0; at < 64; ++at) {
        auto damaged = sound;
        damaged[at] ^= 4;
        write_file(path, damaged);
        const auto recovered = recover_journal(journal_, 0);
        ASSERT_TRUE(recovered) << at << " " << describe(recovered.error());
        EXPECT_EQ(recovered->last_sequence, 5U);
    }
    auto both = sound;
    both[0] ^= 4;
    both[16] ^= 4;
    write_file(path, both);
    EXPECT_EQ(recover_journal(journal_, 0).error().code, Errc::Corrupt);
    std::filesystem::remove(path);
    EXPECT_EQ(recover_journal(journal_, 0).error().code, Errc::Corrupt);
}

TEST_F(JournalDamageTest, ATornTailThatNobodyWasPromisedIsCutOff) {
    std::string batch;
    append_record(batch, RecordType::Decision, 6, kNoon, decision_payload(6));
    append_record(batch, RecordType::Decision, 7, kNoon, decision_payload(7));
    seal(batch, 5);
    const std::size_t meaning = batch.find_last_not_of('\0') + 1;  // the padding is zeros, as the rest of the file
    write_journal(5);
    const auto path = segments().back();
    const auto whole = read_file(path);
    for (std::size_t cut = 0; cut <= batch.size(); ++cut) {
        write_file(path, whole);
        append_unacknowledged(batch.substr(0, cut));
        const auto recovered = recover_journal(journal_, 0);
        ASSERT_TRUE(recovered) << cut << " " << describe(recovered.error());
        // A record that is whole counts, acknowledged or not.
        EXPECT_GE(recovered->last_sequence, 5U);
        EXPECT_EQ(recovered->last_sequence == 7U, cut >= meaning) << cut;
        const auto again = recover_journal(journal_, 0);
        ASSERT_TRUE(again);
        EXPECT_FALSE(again->torn_tail);
        EXPECT_EQ(again->last_sequence, recovered->last_sequence);
    }
}

TEST_F(JournalDamageTest, ATornBatchWithASoundLaterPartIsStillTorn) {
    write_journal(5);
    std::string batch;
    append_record(batch, RecordType::Decision, 6, kNoon, decision_payload(6));
    append_record(batch, RecordType::Decision, 7, kNoon, decision_payload(7));
    seal(batch, 5);
    batch[kRecordHeaderBytes] ^= 1;  // sectors of one write may reach the disk in any order
    append_unacknowledged(batch);
    const auto recovered = recover_journal(journal_, 0);
    ASSERT_TRUE(recovered) << describe(recovered.error());
    EXPECT_EQ(recovered->last_sequence, 5U);
    EXPECT_TRUE(recovered->torn_tail);
}

// After a power cut the mark may be old; the records themselves still say what had been promised.
TEST_F(JournalDamageTest, ALaterRecordProvesThatADamagedOneWasAcknowledged) {
    write_journal(20, 65536);
    std::filesystem::remove(journal_ / "acknowledged");
    ASSERT_TRUE(AcknowledgedMark::open(journal_ / "acknowledged"));
    const auto path = segments().front();
    auto content = read_file(path);
    content[kSegmentHeaderBytes + 9 * framed_bytes(decision_payload(1).size()) + 41] ^= 1;
    write_file(path, content);
    const auto recovered = recover_journal(journal_, 0);
    ASSERT_FALSE(recovered);
    EXPECT_THAT(recovered.error().detail, HasSubstr("record "));
}

TEST_F(JournalDamageTest, AMissingSegmentIsFound) {
    write_journal(60);
    const auto all = segments();
    ASSERT_GE(all.size(), 3U);
    for (const auto& path : all) {
        const auto aside = directory_.path() / "aside";
        std::filesystem::rename(path, aside);
        const auto recovered = recover_journal(journal_, 0);
        EXPECT_FALSE(recovered) << path;
        std::filesystem::rename(aside, path);
    }
    EXPECT_TRUE(recover_journal(journal_, 0));
}

TEST_F(JournalDamageTest, RecordsMissingFromTheDatabaseAreFound) {
    {
        auto ledger = open_ledger(config_in(directory_.path()));
        for (int i = 0; i < 10; ++i)
            ASSERT_TRUE(run(ledger->record("dec_" + std::to_string(i), make_caller(1, 1), "{}")));
    }
    open_ledger(config_in(directory_.path())).reset();  // the journal's files of the first run are gone now
    {
        auto database = Database::open(directory_.path() / "ledger.db", Database::Access::ReadWrite);
        ASSERT_TRUE(
            database->execute("DELETE FROM decisions WHERE sequence > 8; DELETE FROM records WHERE sequence > 8"));
    }
    const auto opened = DurableLedger::open(config_in(directory_.path()));
    ASSERT_FALSE(opened);
    EXPECT_THAT(opened.error().detail, HasSubstr("record 9 is damaged or missing, although it was acknowledged"));
}

TEST_F(JournalDamageTest, AChangedRecordInTheDatabaseIsFoundAtStartAndByVerify) {
    {
        auto ledger = open_ledger(config_in(directory_.path()));
        for (int i = 0; i < 10; ++i)
            ASSERT_TRUE(run(ledger->record("dec_" + std::to_string(i), make_caller(1, 1), "{}")));
    }
    {
        auto database = Database::open(directory_.path() / "ledger.db", Database::Access::ReadWrite);
        ASSERT_TRUE(database->execute("UPDATE records SET time = time + 1 WHERE sequence = 4"));
        EXPECT_FALSE(LedgerReader::open(directory_.path()));
    }
    const auto opened = DurableLedger::open(config_in(directory_.path()));
    ASSERT_FALSE(opened);
    EXPECT_THAT(opened.error().detail, HasSubstr("ledger record 4 does not match its hash"));
}

TEST_F(JournalDamageTest, VerifyFindsBooksThatWereTamperedWith) {
    {
        auto ledger = open_ledger(config_in(directory_.path()));
        auto hold = run(ledger->hold(request("dec", make_caller(1, 1), 100)));
        ASSERT_TRUE(run(ledger->settle(std::move(*hold), settlement(60))));
    }
    const auto tamper = [&](Sql change, Sql undo) {
        auto database = Database::open(directory_.path() / "ledger.db", Database::Access::ReadWrite);
        EXPECT_TRUE(database->execute(change));
        const auto report = LedgerReader::open(directory_.path())->verify();
        EXPECT_TRUE(database->execute(undo));
        return report ? std::string{"nothing"} : report.error().detail;
    };
    EXPECT_THAT(tamper("UPDATE ledger_entries SET charge = 59", "UPDATE ledger_entries SET charge = 60"),
                HasSubstr("record 2 differs from its ledger entry"));
    EXPECT_THAT(tamper("UPDATE postings SET amount = amount - 1 WHERE amount > 0",
                       "UPDATE postings SET amount = amount + 1 WHERE amount > 0"),
                HasSubstr("do not sum to zero"));
    EXPECT_THAT(tamper("UPDATE usage_by_day SET charge = 61", "UPDATE usage_by_day SET charge = 60"),
                HasSubstr("usage_by_day differs"));
    EXPECT_THAT(tamper("UPDATE decisions SET team = 2", "UPDATE decisions SET team = 1"),
                HasSubstr("record 2 differs from its decision"));
    EXPECT_THAT(tamper("PRAGMA foreign_keys = OFF; INSERT INTO postings VALUES (77, 1, 5), (77, 2, -5)",
                       "DELETE FROM postings WHERE entry = 77"),
                HasSubstr("a row belongs to one that is not there"));
    EXPECT_EQ(verified(directory_.path()).charged, nano(60));
}

// A disk that fails at a chosen call, for good or for once.
class FailingFiles final : public JournalFiles {
public:
    std::function<bool(const char* call)> fails = [](const char*) { return false; };

    core::Result<std::unique_ptr<JournalFile>> create(const Path& path, std::uint64_t bytes) override {
        if (fails("create")) return core::Error{Errc::Unavailable, "No space left on device"};
        return wrap(disk_->create(path, bytes));
    }
    core::Result<std::unique_ptr<JournalFile>> open(const Path& path) override { return wrap(disk_->open(path)); }
    std::error_code rename(const Path& from, const Path& to) override {
        return fails("rename") ? full() : disk_->rename(from, to);
    }
    std::error_code remove(const Path& path) override { return disk_->remove(path); }
    std::error_code sync_directory(const Path& directory) override { return disk_->sync_directory(directory); }

    static std::error_code full() { return std::make_error_code(std::errc::no_space_on_device); }

private:
    class File final : public JournalFile {
    public:
        File(std::unique_ptr<JournalFile> file, FailingFiles& files) : file_(std::move(file)), files_(files) {}
        std::error_code write(std::uint64_t offset, std::string_view bytes) override {
            if (!files_.fails("write")) return file_->write(offset, bytes);
            static_cast<void>(file_->write(offset, bytes.substr(0, bytes.size() / 2)));  // half of it got through
            return full();
        }
        std::error_code sync() override {
            if (files_.fails("sync")) return std::make_error_code(std::errc::io_error);
            return file_->sync();
        }

    private:
        std::unique_ptr<JournalFile> file_;
        FailingFiles& files_;
    };
    core::Result<std::unique_ptr<JournalFile>> wrap(core::Result<std::unique_ptr<JournalFile>> file) {
        if (!file) return file;
        return std::unique_ptr<JournalFile>{std::make_unique<File>(std::move(*file), *this)};
    }
    std::shared_ptr<JournalFiles> disk_ = disk_journal_files();
};

// Each call of the disk fails once, at its first, second, third... time: nothing acknowledged is lost, nothing is
// invented, and a ledger that could not write takes no further money although the disk is well again.
TEST_F(JournalDamageTest, AFailedWriteOrSyncStopsHoldsForGoodAndLosesNothing) {
    for (const std::string broken : {"write", "sync", "rename", "create"}) {
        for (int good = 0; good < 12; good += 1) {
            std::filesystem::remove_all(directory_.path() / "ledger");
            auto files = std::make_shared<FailingFiles>();
            std::atomic<int> calls = 0;
            std::atomic<bool> armed = false;
            files->fails = [&](const char* call) { return armed && broken == call && calls++ == good; };
            auto config = config_in(directory_.path() / "ledger");
            config.segment_bytes = 1024;
            config.files = files;
            const auto caller = make_caller(1, 1);
            std::int64_t charged = 0;
            std::int64_t uncertain = 0;
            {
                auto ledger = open_ledger(config);
                armed = true;
                for (int i = 0; i < 40 && ledger->writable(); ++i) {
                    auto hold = run(ledger->hold(request("dec_" + std::to_string(i), caller, 100)));
                    if (!hold) {
                        EXPECT_THAT(hold.error().detail, HasSubstr("ledger not writable"));
                        uncertain += 100;
                        break;
                    }
                    const auto settled = run(ledger->settle(std::move(*hold), settlement(7)));
                    charged += settled ? 7 : 0;
                    uncertain += settled ? 0 : 100;
                }
                if (!ledger->writable()) {
                    const auto refused = run(ledger->hold(request("late", caller, 1)));
                    ASSERT_FALSE(refused);
                    EXPECT_EQ(refused.error().code, Errc::Unavailable);
                    EXPECT_FALSE(run(ledger->record("late", caller, "{}")));
                    if (charged > 0) {
                        EXPECT_TRUE(ledger->find_decision("dec_0", {1}));
                    }
                } else {
                    // Spares are made and renamed behind the scenes; failing there costs nothing.
                    EXPECT_TRUE(broken == "create" || broken == "rename") << broken << " " << good;
                }
            }
            config.files = nullptr;
            open_ledger(config).reset();
            const auto sum = verified(config.directory).charged.value;
            EXPECT_GE(sum, charged) << broken << " " << good;
            EXPECT_LE(sum, charged + uncertain) << broken << " " << good;
        }
    }
}

TEST(Crc32cTest, HardwareAndTableAgreeWithTheStandard) {
    EXPECT_EQ(crc32c("123456789"), 0xe3069283U);
    std::string bytes;
    for (int i = 0; i < 300; ++i) {
        EXPECT_EQ(crc32c(bytes), detail::crc32c_portable(bytes));
        bytes.push_back(static_cast<char>(i * 7));
    }
}

TEST(LedgerRecordsTest, WhatIsEncodedIsDecodedAndNothingElse) {
    const SettleRecord settle{.hold = 77,
                              .settled_by = SettledBy::Estimate,
                              .charge = {5},
                              .usage = {.prompt = 1, .completion = 2, .cached = 3, .reasoning = 4, .estimated = true},
                              .target = "a/b",
                              .zone = core::Zone::Local,
                              .price_version = "2026-11",
                              .decision_json = "{}"};
    std::string payload;
    encode(settle, payload);
    const auto decoded = decode_settle(payload);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->hold, 77U);
    EXPECT_EQ(decoded->usage, settle.usage);
    EXPECT_EQ(decoded->price_version, "2026-11");
    EXPECT_EQ(decoded->zone, core::Zone::Local);
    for (std::size_t size = 0; size < payload.size(); ++size) EXPECT_FALSE(decode_settle({payload.data(), size}));
    EXPECT_FALSE(decode_settle(payload + "x"));
    EXPECT_FALSE(decode_decision(payload));
}

}  // namespace
}  // namespace sluice::policies::test
