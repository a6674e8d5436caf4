import Foundation
import Testing

/// Every system call under the unpacker's filter, each in a process of its own.
struct UnpackFilterSweepTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private static let helper = #"""
        #include <linux/filter.h>
        #include <linux/seccomp.h>
        #include <signal.h>
        #include <stdio.h>
        #include <sys/prctl.h>
        #include <sys/syscall.h>
        #include <sys/wait.h>
        #include <unistd.h>
        static struct sock_filter rows[] = {
        ROWS
        };
        int main(void) {
            struct sock_fprog program = {sizeof rows / sizeof rows[0], rows};
            /* The calls that survive are made for real, with 0 for a descriptor: a pipe of ours, not /dev/null. */
            int ends[2];
            if (pipe(ends) != 0 || dup2(ends[0], 0) != 0 || close(ends[1]) != 0) return 1;
            for (long number = 0; number < 1200; number++) {
                /* From 600 on the x32 numbers, which share this architecture. */
                long call = number < 600 ? number : (number - 600) | 0x40000000;
                pid_t pid = fork();
                if (pid == 0) {
                    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
                    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) _exit(9);
                    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) _exit(9);
                    syscall(call, 0, 0, 0, 0, 0, 0);
                    syscall(SYS_exit_group, 0);
                }
                int status = 0;
                waitpid(pid, &status, 0);
                if (WIFEXITED(status) && WEXITSTATUS(status) == 9) return 1;
                if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) continue;
                printf("%ld\n", call);
            }
            return 0;
        }
        """#

    private func run(_ program: String, _ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "\(program) \(arguments)")
        return String(decoding: bytes, as: UTF8.self)
    }

    #if arch(x86_64)
    @Test("only what the unpacker's table names survives, and nothing of x32")
    func sweep() throws {
        let source = try String(
            contentsOf: Self.root.appendingPathComponent("Sources/Confinement/UnpackFilter.swift"),
            encoding: .utf8
        )
        let rows = source.split(separator: "\n").filter { $0.contains(".init(code:") }.map { line in
            var row = line.trimmingCharacters(in: .whitespaces)
            for (from, to) in [(".init(", "{"), (")", "}"), ("code: ", ""), ("jt: ", ""), ("jf: ", ""), ("k: ", "")] {
                row = row.replacingOccurrences(of: from, with: to)
            }
            return row
        }
        let place = FileManager.default.temporaryDirectory.appendingPathComponent("unpack-sweep-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(at: place) }
        let file = place.appendingPathComponent("sweep.c")
        try Self.helper.replacingOccurrences(of: "ROWS", with: rows.joined(separator: "\n"))
            .write(to: file, atomically: false, encoding: .utf8)
        let tool = place.appendingPathComponent("sweep").path
        _ = try run("/usr/bin/cc", ["-o", tool, file.path])
        let survivors = try run(tool, []).split(separator: "\n").compactMap { Int($0) }
        // 335 and 336, uretprobe and uprobe, pass every filter of such kernels: security note §3.2.
        let read = [0, 1, 3, 8, 17, 18, 217], tree = [257, 258, 260, 262, 263, 265, 266, 267, 280]
        let made = [74, 77, 91, 93, 190, 193, 306], rest = [11, 12, 231, 318]
        #expect(survivors.filter { $0 != 335 && $0 != 336 } == (read + tree + made + rest).sorted())
    }
    #endif
}
