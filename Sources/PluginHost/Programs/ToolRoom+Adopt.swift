import ActorContract
import Glibc
import SystemLayer

/// Programs that runtimes left behind.
extension ToolRoom {
    func adopt(_ source: AdoptionSource, name: String) throws(AdoptionFailure) -> HeldProcess {
        let pid = try number(source)
        // Held before anything is asked about it, so that all answers are about this one.
        guard let time = ProcessHandle.readStartTime(pid: pid),
            let handle = ProcessHandle.find(pid: pid, startTime: time), !handle.hasExited()
        else { throw .notFound("no program has the number \(pid)") }
        guard Cgroup.open(layout: layout, name: actor.cgroup).processes().contains(pid) else {
            throw .accessDenied("the program with the number \(pid) is not in the actor's cgroup")
        }
        var kept = KeptProcess(name: name, pid: pid, startTime: time, nonce: "")
        // Nobody but its parent learns how it ends; a tool that waits for it hands that on as its own end.
        if case .childOf(let parent) = source { kept.keeper = parent.kept?.name }
        return held(adopted: kept, handle, leaf: nil)
    }

    func takeOver(_ process: HeldProcess) throws(AdoptionFailure) -> HeldProcess {
        guard var kept = process.kept, let handle = process.handle as? ProcessHandle else { return process }
        // What a runtime put into a cgroup of its own making stays there: it ends with the actor's.
        let inside = Set(own.processes())
        if inside.contains(handle.pid) { return process }
        // Nobody is moved where all of a cgroup can be had: between cgroups a process waits for the whole machine.
        if !handle.hasExited(), let (leaf, name) = takeLeaf(of: handle.pid) {
            kept.leaf = name
            let mine = held(adopted: kept, handle, leaf: leaf)
            own(mine)
            return mine
        }
        let name = "\(actor.cgroup)/kept.\(kept.name)"
        let leaf = Cgroup.leaf(layout: layout, name: name)
        do throws(SyscallError) {
            leaf.kill()
            try leaf.remove()
            try leaf.makeDirectories()
            // Until nobody new is met: who was moved puts its children into the same place.
            var moved: Set<Int32> = []
            while case let wanted = household(of: handle.pid).subtracting(moved), !wanted.isEmpty {
                for pid in wanted {
                    do throws(SyscallError) { try leaf.take(pid) } catch  where error.errno == ESRCH {}
                    moved.insert(pid)
                }
            }
        } catch { throw .machine(error) }
        guard !handle.hasExited() else {
            try? leaf.remove()
            throw .notFound("\(kept.name) ended meanwhile")
        }
        kept.leaf = name
        let mine = held(adopted: kept, handle, leaf: leaf)
        own(mine)
        return mine
    }

    private func held(adopted kept: KeptProcess, _ handle: ProcessHandle, leaf: Cgroup?) -> HeldProcess {
        HeldProcess(name: kept.name, kept: kept, handle: handle, leaf: leaf) {
            // Its parent has ended, so it may be this host's child.
            let status = handle.wait()
            return ProgramEnd(status: status, isAllowed: status == .exited(0))
        }
    }

    private func number(_ source: AdoptionSource) throws(AdoptionFailure) -> Int32 {
        switch source {
        case .pidfile(let directory, let rest):
            let text: String
            do throws(SyscallError) {
                let file = try BeneathPath.open(rest, beneath: directory, flags: O_RDONLY | O_NOCTTY | O_NONBLOCK)
                text = String(decoding: try readSome(64, from: file.rawValue), as: UTF8.self)
            } catch  where error.errno == ENOENT || error.errno == ENOTDIR {
                throw .notFound("there is no \(rest)")
            } catch { throw .machine(error) }
            let digits = text.split { $0 == " " || $0 == "\n" }.first.map(String.init) ?? ""
            guard let pid = Int32(digits), pid > 0 else { throw .notFound("\(rest) holds no number: \"\(digits)\"") }
            return pid
        case .childOf(let process):
            guard let handle = process.handle as? ProcessHandle, !handle.hasExited() else {
                throw .notFound("\(process.name) has ended")
            }
            let children = Self.children(of: process.inner ?? handle.pid)
            guard let only = children.first, children.count == 1 else {
                throw .notFound("\(process.name) has \(children.count) children, not one")
            }
            return only
        }
    }

    /// A program, its descendants, and all else that the tool left which made it and has ended.
    ///
    /// What serves a sandbox need not be its child, and without it the sandbox ends.
    private func household(of pid: Int32) -> Set<Int32> {
        let maker = started.first { process in
            process.handle?.hasExited() == true && process.leaf?.processes().contains(pid) == true
        }
        return Self.descendants(of: pid).union(maker?.leaf?.processes() ?? [])
    }

    private static func children(of pid: Int32) -> [Int32] {
        let threads = (try? DirectoryTree.names(in: "/proc/\(pid)/task")) ?? []
        return threads.flatMap { thread in
            (TextFile.read("/proc/\(pid)/task/\(thread)/children") ?? "").split { " \n".contains($0) }
                .compactMap { Int32($0) }
        }
    }

    /// A process and all below it, by its numbers now.
    static func descendants(of pid: Int32) -> Set<Int32> {
        var all: Set<Int32> = [pid]
        var next = [pid]
        while let one = next.popLast() {
            for child in children(of: one) where all.insert(child).inserted { next.append(child) }
        }
        return all
    }
}
