/// The world of a host that serves, for who watches a script on this machine.
package enum RealWorld {
    /// This machine.
    package static var machine: any World { Machinery() }
}
