// Owns the entry of the program.
// Called by the operating system.
// Never holds logic.

@main
struct Main {
    static func main() {}
}
