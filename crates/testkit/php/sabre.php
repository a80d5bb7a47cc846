<?php
// A CalDAV server made of the sabre/dav library, for tests: run by PHP's own web server as its
// router, with SQLite in the folder SABRE_FOLDER and the users of its file `users` (name:password).

ini_set('display_errors', '0');
error_reporting(E_ALL & ~E_DEPRECATED & ~E_NOTICE);
date_default_timezone_set('UTC');
require_once 'Sabre/autoload.php';

$folder = getenv('SABRE_FOLDER');

if (parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH) === '/.well-known/caldav') {
    header('Location: /', true, 301);
    return;
}

$pdo = new PDO("sqlite:$folder/dav.sqlite");
$pdo->setAttribute(PDO::ATTR_ERRMODE, PDO::ERRMODE_EXCEPTION);

class Users extends \Sabre\DAV\Auth\Backend\AbstractBasic
{
    private $users = array();

    public function __construct($file)
    {
        foreach (file($file, FILE_IGNORE_NEW_LINES | FILE_SKIP_EMPTY_LINES) as $line) {
            list($name, $password) = explode(':', $line, 2);
            $this->users[$name] = $password;
        }
    }

    protected function validateUserPass($name, $password)
    {
        return isset($this->users[$name]) && $this->users[$name] === $password;
    }
}

$principals = new \Sabre\DAVACL\PrincipalBackend\PDO($pdo);
$server = new \Sabre\DAV\Server(array(
    new \Sabre\CalDAV\Principal\Collection($principals),
    new \Sabre\CalDAV\CalendarRootNode($principals, new \Sabre\CalDAV\Backend\PDO($pdo)),
));
$server->setBaseUri('/');
$server->addPlugin(new \Sabre\DAV\Auth\Plugin(new Users("$folder/users"), 'tests'));
$server->addPlugin(new \Sabre\DAVACL\Plugin());
$server->addPlugin(new \Sabre\CalDAV\Plugin());
$server->exec();
